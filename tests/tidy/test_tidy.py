"""The checks themselves are tested: each kind of violation is planted in a small tree and must be found."""

import io
import os
import shutil
import subprocess
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import docs
import functions
import includes
import source
import style
import symbols
import vendors
from layers import Layers

HERE = Path(__file__).resolve().parent
CC = os.environ.get("TIDY_CC", "cc")
NM = os.environ.get("TIDY_NM", "nm")
AR = os.environ.get("TIDY_AR", "ar")

ERR_H = "#ifndef WEIR_ERR_H\n#define WEIR_ERR_H\n\nint weir_fail(int code);\n\n#endif\n"
ERR_C = '#include "weir/err.h"\n\nint weir_fail(int code)\n{\n    return code;\n}\n'
DECODE_H = (
    "#ifndef WEIR_AVRO_DECODE_H\n#define WEIR_AVRO_DECODE_H\n\n"
    "struct window {\n    int n;\n};\n\n"
    "static inline int decode_one(struct window *w)\n{\n    return w->n;\n}\n\n#endif\n"
)


class Planted(unittest.TestCase):
    """A tree without a fault, in which each test plants one."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidy-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        for table in HERE.glob("*.txt"):
            if table.name != "CMakeLists.txt":
                self.plant(f"tests/tidy/{table.name}", table.read_text(encoding="utf-8"))
        for table in ("untested.txt", "long_functions.txt"):
            self.plant(f"tests/tidy/{table}", "# empty\n")
        shutil.copy(HERE.parent.parent / ".clang-format", self.root)
        self.plant("include/weir/err.h", ERR_H)
        self.plant("src/base/err.c", ERR_C)
        self.plant("src/base/CMakeLists.txt", "weir_room(base err.c)\n")
        self.plant("src/avro/decode.h", DECODE_H)
        self.plant("tests/unit/test_err.c", '#include "weir/err.h"\n')

    def plant(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def header(self, path, body):
        """A guarded header."""
        guard = includes.guard_of(path)
        self.plant(path, f"#ifndef {guard}\n#define {guard}\n\n{body}\n#endif\n")

    def run_check(self, check, **options):
        options = SimpleNamespace(**{"build": None, "cc": CC, "nm": NM, "library": [], **options})
        with redirect_stdout(io.StringIO()):
            return check(source.Tree(self.root), options)[0]

    def assert_found(self, check, where, *words, **options):
        """Exactly one finding, at that place, with those words."""
        findings = self.run_check(check, **options)
        self.assertEqual(len(findings), 1, [str(finding) for finding in findings])
        self.assertTrue(str(findings[0]).startswith(where + ": "), findings[0])
        for word in words:
            self.assertIn(word, findings[0].text)

    def assert_clean(self, check, **options):
        self.assertEqual([str(finding) for finding in self.run_check(check, **options)], [])


class Includes(Planted):
    def test_clean_tree(self):
        self.assert_clean(includes.check)

    def test_missing_arrow(self):
        self.plant("src/base/err.c", '\n#include "avro/decode.h"\n' + ERR_C)
        self.assert_found(includes.check, "src/base/err.c:2", "missing arrow base -> avro", "layers.txt")

    def test_contract_includes_a_room(self):
        self.header("include/weir/plan.h", '#include "avro/decode.h"\n')
        self.assert_found(includes.check, "include/weir/plan.h:4", "missing arrow include -> avro")

    def test_contract_includes_the_system(self):
        self.header("include/weir/plan.h", "#include <unistd.h>\n")
        self.assert_found(includes.check, "include/weir/plan.h:4", "<unistd.h>")

    def test_room_without_a_line(self):
        self.plant("src/attic/old.c", '#include "weir/err.h"\n')
        self.assert_found(includes.check, "src/attic/old.c:1", "'attic' has no line")

    def test_ours_in_angle_brackets_and_theirs_in_quotes(self):
        self.plant("src/base/err.c", ERR_C.replace('"weir/err.h"', "<weir/err.h>"))
        self.assert_found(includes.check, "src/base/err.c:1", "is ours")
        self.plant("src/base/err.c", ERR_C.replace('"weir/err.h"', '"err.h"'))
        self.assert_found(includes.check, "src/base/err.c:1", "no header of ours")

    def test_comments_and_strings_do_not_include(self):
        self.plant("src/base/err.c", '/*\n#include "avro/decode.h"\n*/\n// #include "avro/decode.h"\n' + ERR_C)
        self.assert_clean(includes.check)

    def test_cycle(self):
        self.header("src/avro/one.h", '#include "avro/two.h"\n')
        self.header("src/avro/two.h", '#include "avro/one.h"\n')
        self.assert_found(includes.check, "src/avro/two.h:4", "src/avro/one.h -> src/avro/two.h -> src/avro/one.h")

    def test_guard(self):
        self.plant("src/avro/slot.h", "#pragma once\n\nint slot_count(void);\n")
        found = [str(finding) for finding in self.run_check(includes.check)]
        self.assertTrue(any("WEIR_AVRO_SLOT_H" in text for text in found), found)

    def test_header_that_needs_another(self):
        self.header("src/avro/slot.h", "uint8_t slot_kind(void);\n")
        self.assert_found(includes.check, "src/avro/slot.h:1", "does not compile alone", "uint8_t")

    def test_header_uses_the_flags_of_its_room(self):
        self.header("src/avro/slot.h", "#ifndef SLOT_WIDE\nbroken\n#endif\n")
        entry = (f'[{{"directory": "/", "file": "{self.root}/src/avro/slot.c", '
                 f'"command": "{CC} -DSLOT_WIDE -o slot.o -c {self.root}/src/avro/slot.c"}}]')
        self.plant("build/compile_commands.json", entry)
        self.assert_clean(includes.check, build=self.root / "build")

    def test_link_outside_the_law(self):
        self.plant("src/base/CMakeLists.txt", "# a comment\nweir_room(base err.c USES weir_avro PkgConfig::X)\n")
        self.assert_found(includes.check, "src/base/CMakeLists.txt:2", "no arrow base -> avro")

    def test_include_without_a_link(self):
        self.plant("src/avro/CMakeLists.txt", "weir_room(avro decode.c)\n")
        self.plant("src/core/CMakeLists.txt", "weir_room(core plan.c USES weir_base)\n")
        self.plant("src/core/plan.c", '#include "avro/decode.h"\n')
        self.assert_found(includes.check, "src/core/plan.c:1", "does not link weir_avro")

    def test_link_by_way_of_another_room(self):
        self.plant("src/avro/CMakeLists.txt", "weir_room(avro decode.c)\n")
        self.plant("src/core/CMakeLists.txt", "weir_room(core plan.c USES weir_avro)\n")
        self.plant("src/engine/CMakeLists.txt", "weir_room(engine loop.c USES weir_core)\n")
        self.plant("src/engine/loop.c", '#include "avro/decode.h"\n')
        self.assert_clean(includes.check)


class Table(Planted):
    """The table of the layer law must keep the law itself."""

    def errors(self, table):
        self.plant("tests/tidy/layers.txt", table)
        return [finding.text for finding in Layers(source.Tree(self.root)).findings]

    def test_cycle(self):
        found = self.errors("a: b\nb: c\nc: a\n")
        self.assertEqual(len(found), 3)
        self.assertIn("cycle", found[0])

    def test_rooms_that_must_never_meet(self):
        found = self.errors("a: b\nb: c\nc:\napart: a c\n")
        self.assertEqual(len(found), 1)
        self.assertIn("'a' can reach 'c'", found[0])

    def test_unknown_and_double_rooms(self):
        self.assertIn("no line of its own", self.errors("a: z\n")[0])
        self.assertIn("two lines", self.errors("a:\na:\n")[0])

    def test_the_shipped_table(self):
        self.assertEqual(Layers(source.Tree(self.root)).findings, [])


class Vendors(Planted):
    def test_clean_tree(self):
        self.assert_clean(vendors.check)

    def test_each_library_outside_its_room(self):
        for name in ("librdkafka/rdkafka.h", "avro.h", "jansson.h", "yaml.h", "curl/curl.h", "microhttpd.h"):
            with self.subTest(name):
                self.plant("src/core/plan.c", f"#include <{name}>\n")
                self.assert_found(vendors.check, "src/core/plan.c:1", f"<{name}> may be included only in")

    def test_each_library_inside_its_room(self):
        homes = {"kafka": "librdkafka/rdkafka.h", "archive": "avro.h", "registry": "jansson.h", "config": "yaml.h",
                 "serve": "microhttpd.h"}
        for room, name in homes.items():
            self.plant(f"src/{room}/file.c", f"#include <{name}>\n")
        self.assert_clean(vendors.check)

    def test_the_system_in_a_pure_room(self):
        for name in ("unistd.h", "time.h", "sys/socket.h", "pthread.h", "stdatomic.h", "sys/mman.h"):
            with self.subTest(name):
                self.plant("src/avro/decode.c", f"\n#include <{name}>\n")
                self.assert_found(vendors.check, "src/avro/decode.c:2", f"<{name}>")

    def test_unknown_header(self):
        self.plant("src/core/plan.c", "#include <openssl/ssl.h>\n")
        self.assert_found(vendors.check, "src/core/plan.c:1", "no line of tests/tidy/vendors.txt")

    def test_tests_may_use_the_system_but_no_library_at_will(self):
        self.plant("tests/unit/test_err.c", "#include <unistd.h>\n#include <dlfcn.h>\n#include <avro.h>\n")
        self.assert_clean(vendors.check)
        self.plant("tests/unit/test_err.c", "#include <librdkafka/rdkafka.h>\n")
        self.assert_found(vendors.check, "tests/unit/test_err.c:1", "tests/mock")


class Symbols(Planted):
    def archive(self, room, **objects):
        """Compiles each text into an object of the room's archive; returns the option that names it."""
        folder = self.root / "build"
        folder.mkdir(exist_ok=True)
        members = []
        for name, text in objects.items():
            members.append(str(folder / f"{name}.c.o"))
            command = [CC, "-x", "c", "-O0", "-ffreestanding", "-c", "-", "-o", members[-1]]
            subprocess.run(command, input=text, text=True, check=True)
        subprocess.run([AR, "crs", str(folder / f"{room}.a"), *members], check=True, capture_output=True)
        return f"{room}={folder}/{room}.a"

    def test_clean_archives(self):
        base = self.archive("base", err="int snprintf(char *, long, const char *, ...);\n"
                            "int weir_fail(char *p) { return snprintf(p, 1, \"\"); }\n")
        avro = self.archive("avro", decode="int weir_fail(char *);\nint decode(char *p) { return weir_fail(p); }\n")
        self.assert_clean(symbols.check, library=[base, avro])

    def test_each_door_to_the_world(self):
        for name in ("socket", "open", "fopen", "printf", "time", "clock_gettime", "pthread_create", "getenv", "rand",
                     "json_load_file", "json_dumpfd", "memfd_create", "__fprintf_chk"):
            with self.subTest(name):
                base = self.archive("base", err=f"int {name}(void);\nint weir_fail(void) {{ return {name}(); }}\n")
                self.assert_found(symbols.check, "src/base/err.c", f"calls {name},", library=[base])

    def test_helpers_of_compilers_are_excused(self):
        names = ("__asan_report_load4", "__ubsan_handle_add_overflow", "__stack_chk_fail", "__memcpy_chk", "json_loadb")
        text = "".join(f"int {name}(void);\n" for name in names)
        text += "int weir_fail(void) { return " + " + ".join(f"{name}()" for name in names) + "; }\n"
        self.assert_clean(symbols.check, library=[self.archive("base", err=text)])

    def test_a_local_name_is_no_definition(self):
        base = self.archive("base", err="int open(void);\nint weir_fail(void) { return open(); }\n",
                            arena="static int open(void) { return 1; }\nint weir_arena(void) { return open(); }\n")
        self.assert_found(symbols.check, "src/base/err.c", "calls open,", library=[base])

    def test_room_without_archive(self):
        self.assert_found(symbols.check, "src/base", "no CMake target weir_base")
        gone = f"base={self.root}/gone.a"
        self.assert_found(symbols.check, f"{self.root}/gone.a", "build it first", library=[gone])


class Functions(Planted):
    def long_function(self, lines):
        self.plant("src/base/err.c", "static int a;\n\nint weir_fail(\n    int code)\n{\n" + "    a++;\n" * lines + "}\n")

    def test_cap(self):
        self.long_function(functions.CAP)
        self.assert_clean(functions.check)
        self.long_function(functions.CAP + 1)
        self.assert_found(functions.check, "src/base/err.c:3", f"weir_fail has {functions.CAP + 1} lines")

    def test_ratchet(self):
        self.plant("tests/tidy/long_functions.txt", "src/base/err.c weir_fail: 70\n")
        self.long_function(70)
        self.assert_clean(functions.check)
        self.long_function(71)
        self.assert_found(functions.check, "src/base/err.c:3", "grew from 70 to 71")
        self.long_function(65)
        self.assert_found(functions.check, "tests/tidy/long_functions.txt:1", "write 65")
        self.long_function(3)
        self.assert_found(functions.check, "tests/tidy/long_functions.txt:1", "delete the row")
        self.plant("src/base/err.c", "int weir_other;\n")
        self.assert_found(functions.check, "tests/tidy/long_functions.txt:1", "there is no function")

    def test_names_and_lengths(self):
        text = ("struct a {\n    int x;\n};\n/* f(x) */\n__attribute__((format(printf, 1, 2))) static void\n"
                "log_it(const char *f, ...)\n{\n}\n\nint g(void)\n{\n    /*\n}\n    */\n    return 1;\n}\n")
        found = [(function.name, function.length) for function in source.functions(text)]
        self.assertEqual(found, [("log_it", 0), ("g", 4)])


class Style(Planted):
    def test_clean_tree(self):
        self.assert_clean(style.check)

    def test_format(self):
        self.plant("src/base/err.c", ERR_C.replace("    return", "  return"))
        self.assert_found(style.check, "src/base/err.c:4", "not formatted")

    def test_missing_clang_format_fails(self):
        with mock.patch.object(style.shutil, "which", return_value=None):
            self.assert_found(style.check, "tests/tidy/style.py", "no clang-format")

    def test_old_clang_format_fails(self):
        answer = SimpleNamespace(stdout="clang-format version 13.0.1\n")
        with mock.patch.object(style.subprocess, "run", return_value=answer):
            self.assert_found(style.check, "tests/tidy/style.py", "from 14 on")

    def test_white_space(self):
        self.plant("docs/page.md", "one\ntwo \nthree\n")
        self.assert_found(style.check, "docs/page.md:2", "space at its end")
        self.plant("docs/page.md", "one\n\ttwo\n")
        self.assert_found(style.check, "docs/page.md:2", "tab")
        self.plant("docs/page.md", "one")
        self.assert_found(style.check, "docs/page.md:1", "new line")

    def test_promises(self):
        for words in ("TODO", "FIXME", "XXX", "HACK", "good for now"):
            with self.subTest(words):
                self.plant("src/base/err.c", ERR_C.replace("int weir", f"/* {words}: later */\nint weir", 1))
                self.assert_found(style.check, "src/base/err.c:3", "says")
        self.plant("src/base/err.c", ERR_C.replace("int weir", '/* for nowhere, "XXXXXX" */\nint weir', 1))
        self.assert_clean(style.check)

    def test_untested_file(self):
        self.plant("src/base/bytes.c", '#include "weir/err.h"\n')
        self.assert_found(style.check, "src/base/bytes.c:1", "has no tests/unit/test_bytes.c")
        self.plant("tests/tidy/untested.txt", "src/base/bytes.c: it has no code\n")
        self.assert_clean(style.check)
        self.plant("tests/tidy/untested.txt", "src/base/bytes.c:\n")
        self.assert_found(style.check, "tests/tidy/untested.txt:1", "no reason")

    def test_excuse_that_is_not_needed(self):
        self.plant("tests/tidy/untested.txt", "src/base/err.c: hard\nsrc/base/gone.c: gone\n")
        texts = [str(finding) for finding in self.run_check(style.check)]
        self.assertEqual(len(texts), 2)
        self.assertIn("has a test", texts[0])
        self.assertIn("there is no src/base/gone.c", texts[1])

    def test_programs_need_no_unit_test(self):
        self.plant("src/cmd/main.c", '#include "weir/err.h"\n')
        self.plant("src/cmd/cmd_run.c", '#include "weir/err.h"\n')
        self.assert_clean(style.check)

    def test_two_files_of_one_name(self):
        self.plant("src/serve/err.c", '#include "weir/err.h"\n')
        self.plant("tests/unit/test_base_err.c", '#include "weir/err.h"\n')
        self.assert_found(style.check, "src/serve/err.c:1", "test_serve_err.c")

    def test_prefix(self):
        cases = {
            "src/avro/slot.h": ("int size_of(int x);", "size_of"),
            "src/avro/path.h": ("extern const char *const names[3];", "names"),
            "src/avro/json.h": ("#define MAX_DEPTH 3", "MAX_DEPTH"),
            "src/avro/text.h": ("int weir_text(int x);", "weir_text"),
            "include/weir/arena.h": ("int arena_size(int x);", "arena_size"),
        }
        for path, (body, name) in cases.items():
            with self.subTest(path):
                self.header(path, body + "\n")
                self.assert_found(style.check, f"{path}:4", name)
                (self.root / path).unlink()

    def test_files_of_one_noun_share_its_prefix(self):
        self.header("src/avro/schema_parts.h", "int schema_name(int x);\n")
        self.header("src/avro/options.h", "#define OPTION_MAX 3\n")
        self.assert_clean(style.check)

    def test_types_and_inner_names_need_no_prefix(self):
        body = ("struct cell {\n    int (*call)(int);\n};\n\ntypedef int (*callback)(void);\n\n"
                '_Static_assert(sizeof(int) == 4, "int");\n\n#define SLOT_WIDE 2\n\n#define X(n) n\n#undef X\n\nint slot_of(int (*call)(int));\n')
        self.header("src/avro/slot.h", body)
        self.assert_clean(style.check)


class Docs(Planted):
    PAGE = "\n".join((
        "| class | code | exit | raised by | meaning |",
        "|---|---|---|---|---|",
        "| FATAL | `config` | 78 | `config` | the file is wrong |",
        "| | `io` | 74 | all | a file |",
        "", "| stage | codes |", "| wire | `bad_magic` `empty` |",
        "", "| room | what | may include |", "| `base` | pure | include |", "| `cmd` | programs | everything |", "",
    ))

    def setUp(self):
        super().setUp()
        self.plant("include/weir/errors.def", '/* WEIR_ERROR(NAME, name, …) */\n'
                   'WEIR_ERROR(CONFIG, config, FATAL, 78, "the file is wrong")\nWEIR_ERROR(IO, io, FATAL, 74, "a file")\n')
        self.plant("include/weir/verdicts.def", 'WEIR_VERDICT(BAD_MAGIC, bad_magic, WIRE, "no")\n')
        self.plant(docs.PAGE, self.PAGE)

    def change(self, before, after):
        self.assertIn(before, self.PAGE)
        self.plant(docs.PAGE, self.PAGE.replace(before, after))

    def test_clean_page(self):
        self.assert_clean(docs.check)

    def test_missing_page(self):
        (self.root / docs.PAGE).unlink()
        self.assert_found(docs.check, docs.PAGE, "is missing")

    def test_error(self):
        self.change("| 74 |", "| 75 |")
        self.assert_found(docs.check, f"{docs.PAGE}:4", "error io", "'74'")
        self.change("| | `io`", "| WAIT | `io`")
        self.assert_found(docs.check, f"{docs.PAGE}:4", "error io", "'FATAL'")
        self.change("| | `io` | 74 | all | a file |\n", "")
        self.assert_found(docs.check, docs.PAGE, "error io")

    def test_verdict(self):
        self.change("`bad_magic` ", "")
        self.assert_found(docs.check, docs.PAGE, "bad_magic", "stage wire")

    def test_remedy(self):
        self.plant(docs.REMEDIES, 'WEIR_REMEDY(ZOMBIE, zombie,\n            "it takes its name back")\n')
        self.assert_found(docs.check, docs.PAGE, "remedy zombie", "takes its name back")
        self.plant(docs.PAGE, self.PAGE + "\n| `zombie` | it takes its name back | `a.c` | a test |\n")
        self.assert_clean(docs.check)

    def test_rooms(self):
        self.change("| include |", "| include, avro |")
        self.assert_found(docs.check, f"{docs.PAGE}:10", "may include include, avro")
        self.change("| `base` | pure | include |\n", "")
        self.assert_found(docs.check, docs.PAGE, "no row for the room base")


if __name__ == "__main__":
    unittest.main()
