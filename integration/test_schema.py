"""`weir schema` on a real registry: a folder is pushed, pushed again, grows, and is refused where it does not fit.

Each worker of pytest has a registry of its own, in which the tests that it runs follow one another: a test may find
there what those before it in this file have pushed, or nothing."""

import json
import shutil
import subprocess

import pytest

from lab.devices import device_logins, device_schema
from lab.registry import Registry
from lab.weir import ROOT, binary

INPUT, OUTPUT = "user-login-value", "processed-user-login-value"


@pytest.fixture
def folder(tmp_path):
    """The shipped schemas, to be changed."""
    return shutil.copytree(ROOT / "schemas", tmp_path / "schemas")


def schema(*words, status=0, **options):
    """Runs `weir schema` and returns its rows of JSON, or its lines when it prints for people."""
    run = subprocess.run([binary(), "schema", *map(str, words)], capture_output=True, text=True, timeout=90, **options)
    assert run.returncode == status, f"{run.returncode}: {run.stdout}{run.stderr}"
    lines = run.stdout.splitlines()
    return [json.loads(line) for line in lines] if "--json" in words else lines


def push(registry, folder, status=0):
    rows = schema("push", folder, "--registry", registry.url, "--json", status=status)
    return {(row["subject"], row["file"]): row for row in rows}


def outcomes(rows):
    return {key: row["outcome"] for key, row in rows.items()}


def add_version(folder, subject, number, change):
    text = json.loads((folder / subject / "v1.avsc").read_text())
    change(text["fields"])
    path = folder / subject / f"v{number}.avsc"
    path.write_text(json.dumps(text))
    return path


def grown(fields):
    fields.append({"name": "city", "type": "string", "default": "unknown"})


def narrowed(fields):
    next(field for field in fields if field["name"] == "timestamp").update(type="long", default=0)


def test_a_folder_is_pushed_as_often_as_one_likes(apicurio, folder):
    apicurio.start()
    first = push(apicurio, folder)
    assert outcomes(first) == {(INPUT, 1): "registered", (OUTPUT, 1): "registered"}
    again = push(apicurio, folder)
    assert outcomes(again) == {(INPUT, 1): "present", (OUTPUT, 1): "present"}
    assert {key: row["id"] for key, row in first.items()} == {key: row["id"] for key, row in again.items()}
    assert all(row["version"] == 1 for row in [*first.values(), *again.values()])

    # v2 is taken; v3 is not, and v4 would be but comes after it. The other subject goes on.
    add_version(folder, INPUT, 2, grown)
    add_version(folder, INPUT, 3, narrowed)
    add_version(folder, INPUT, 4, grown)
    add_version(folder, OUTPUT, 2, grown)
    rows = push(apicurio, folder, status=1)
    assert outcomes(rows) == {
        (INPUT, 1): "present", (INPUT, 2): "registered", (INPUT, 3): "refused", (INPUT, 4): "skipped",
        (OUTPUT, 1): "present", (OUTPUT, 2): "registered",
    }
    assert rows[INPUT, 2]["version"] == 2
    assert "BACKWARD: version 2 cannot be read: timestamp: writer has string, reader has long" in rows[INPUT, 3]["why"]
    assert apicurio.ask(f"/subjects/{INPUT}/versions") == [1, 2]

    lines = schema("push", folder, "--registry", apicurio.url, status=1)
    assert lines[-1] == "6 schemas: 0 registered, 4 present, 1 refused, 1 skipped"


def test_a_registry_that_is_not_up_yet_is_waited_for(folder, tmp_path):
    registry = Registry(tmp_path / "registry")
    schema("push", folder, "--registry", registry.url, status=75)
    argv = [binary(), "schema", "push", folder, "--registry", registry.url, "--wait", "80s"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        try:
            assert "waiting for the schema registry" in waiting.stderr.readline()
            registry.start()
            out, _ = waiting.communicate(timeout=90)
        finally:
            waiting.kill()
            registry.kill()
    assert waiting.returncode == 0 and "2 registered" in out


def test_a_schema_is_checked_before_it_is_registered(apicurio, folder, tmp_path):
    apicurio.start()
    push(apicurio, ROOT / "schemas")
    before = apicurio.ask(f"/subjects/{INPUT}/versions")
    config = tmp_path / "weir.yaml"
    shipped = (ROOT / "config/user-login.yaml").read_text()
    config.write_text(shipped.replace('dir: "${WEIR_SCHEMAS:-schemas}"', f'url: "{apicurio.url}"'))

    wanted = add_version(folder, INPUT, 9, lambda fields: fields.append({"name": "c", "type": "int", "default": 0}))
    rows = schema("check", wanted, "--subject", INPUT, "-c", config, "--json")
    assert next(row for row in rows if row.get("to") == "c")["how"] == "default"
    assert [(row["question"], row["answer"]) for row in rows if "question" in row] == [
        ("plan", "fits"), ("registry", "would take it")]

    bad = add_version(folder, INPUT, 10, narrowed)
    rows = schema("check", bad, "--subject", INPUT, "-c", config, "--json", status=1)
    assert [(row["question"], row["good"]) for row in rows if "question" in row] == [("plan", False), ("registry", False)]
    assert apicurio.ask(f"/subjects/{INPUT}/versions") == before, "to check is not to register"

    rows = schema("check", ROOT / "schemas" / INPUT / "v1.avsc", "--subject", INPUT, "--registry", apicurio.url, "--json")
    assert rows[-1]["answer"] == "has it already"

    lines = schema("plan", "-c", config)
    assert lines[0] == "writer -> reader" and lines[-1] == "plan: fits"
    assert any("set        epoch_seconds: timestamp" in line for line in lines)
    number = apicurio.register("other-value", '{"type":"record","name":"user_login","fields":[]}')
    rows = schema("plan", "-c", config, "--id", number, "--json")
    assert {row["how"] for row in rows if row.get("part") == "read"} == {"default"}


def test_real_records_are_run_through_a_schema_before_it_is_registered(apicurio, bench, tmp_path):
    apicurio.start()
    bench.topics(partitions=4)
    read, written = f"{bench.input}-value", f"{bench.output}-value"
    old, new = ("android", "ios"), ("android", "ios", "watch")
    first = apicurio.register(read, device_schema("user-login-value", old))
    other = apicurio.register(f"{bench.name}-watch-value", device_schema("user-login-value", new))
    apicurio.register(written, device_schema("processed-user-login-value", new))
    weir = bench.weir(registry={"dir": None, "url": apicurio.url}, input={"schema": {"subject": read}},
                      output={"schema": {"subject": written}})
    bench.hands.write(bench.input, device_logins(first, old, 40, b"PASS") + device_logins(other, new, 8, b"REJECT bad_enum"))
    bench.drained()
    assert weir.stop() == 0

    def check(devices, *words, subject=read, status=0):
        name = "user-login-value" if subject == read else "processed-user-login-value"
        path = tmp_path / "wanted.avsc"
        path.write_text(json.dumps(device_schema(name, devices)))
        return schema("check", path, "--subject", subject, "-c", weir.config_path, *words, status=status)

    def run(rows):
        return {row["records"]: (row["count"], row["now"]["pass"], row["then"]["pass"], row["worse"])
                for row in rows if "records" in row}

    rows = check(new, "--records", 1000, "--json")
    assert run(rows) == {"input": (48, 40, 48, 0), "letters": (8, 0, 8, 0)}
    assert not [row for row in rows if "fails" in row] and rows[-1]["good"]
    assert "8 dead letters would pass, of 8" in check(new, "--records", 1000)[-1]
    assert run(check(new, "--records", 8, "--json"))["input"] == (8, 0, 8, 0), "the newest, of all partitions alike"
    assert run(check(new, "--records", 0, "--json")) == {"input": (0, 0, 0, 0), "letters": (8, 0, 8, 0)}
    assert not run(check(new, "--json")), "only when it is asked for"

    # A version that forgets a device which is in use.
    rows = check(("android", "watch"), "--records", 1000, "--json", status=1)
    assert run(rows) == {"input": (48, 40, 8, 40), "letters": (8, 0, 8, 0)}
    assert rows[-1]["question"] == "records" and not rows[-1]["good"]
    [fails] = [row for row in rows if "fails" in row]
    assert (fails["now"], fails["code"], fails["field"], fails["count"]) == ("PASS", "bad_enum", "device_type", 40)
    assert fails["example"].startswith(f"{bench.input}:") and fails["example"].endswith(":0")

    # The output's subject, and one that no record of the pipeline is of.
    rows = check(("android", "watch"), "--records", 1000, "--json", subject=written, status=1)
    assert run(rows) == {"input": (48, 40, 0, 40), "letters": (8, 0, 0, 0)}
    fails = {(row["fails"], row["code"], row["now"]): row["count"] for row in rows if "fails" in row}
    assert fails == {("input", "transform_failed", "PASS"): 40, ("input", "bad_enum", "REJECT"): 8,
                     ("letters", "bad_enum", "REJECT"): 8}
    check(new, "--records", 1000, subject="other", status=64)

    # One that no writer's records can be read with, and one without which there is no plan.
    def check_in_place_of(name, *more):
        wanted = device_schema("user-login-value", new)
        wanted["fields"] = [field for field in wanted["fields"] if field["name"] != name] + list(more)
        (tmp_path / "wanted.avsc").write_text(json.dumps(wanted))
        words = [tmp_path / "wanted.avsc", "--subject", read, "-c", weir.config_path, "--records", 1000, "--json"]
        return schema("check", *words, status=1)

    rows = check_in_place_of("city", {"name": "city", "type": "string"})
    assert run(rows) == {"input": (48, 40, 0, 40), "letters": (8, 0, 0, 0)}
    assert {row["code"] for row in rows if "fails" in row} == {"schema_mismatch"}
    rows = check_in_place_of("timestamp")
    assert not run(rows) and (rows[-1]["question"], rows[-1]["answer"]) == ("records", "not run")


def test_a_load_is_written_under_the_ids_of_the_registry(apicurio):
    apicurio.start()
    number = push(apicurio, ROOT / "schemas")[INPUT, 1]["id"]
    argv = [binary(), "generate", "--stdout", "--count", "20", "--format", "avro", "--malformed", "0", "--missing", "0"]
    where = ["--schemas", ROOT / "schemas", "--registry", apicurio.url]
    run = subprocess.run([*argv, *where], capture_output=True, text=True, timeout=30, check=True)
    assert {line[:10] for line in run.stdout.splitlines()} == {f"00{number:08x}"}


def test_a_plan_of_files(tmp_path):
    for name, kind in (("a", "int"), ("b", "long"), ("c", "string")):
        fields = [{"name": "x", "type": kind}]
        (tmp_path / f"{name}.avsc").write_text(json.dumps({"type": "record", "name": "r", "fields": fields}))
    rows = schema("plan", "--writer", "a.avsc", "--reader", "b.avsc", "--json", cwd=tmp_path)
    assert rows[-1]["answer"] == "fits"
    rows = schema("plan", "--writer", "b.avsc", "--reader", "b.avsc", "--output", "c.avsc", "--json", status=1, cwd=tmp_path)
    assert rows[-1]["answer"] == "does not fit" and rows[1]["how"] == "refused"
    schema("plan", "--writer", "nowhere.avsc", "--reader", "b.avsc", status=66, cwd=tmp_path)
    schema("plan", "--writer", "b.avsc", status=64, cwd=tmp_path)
    schema("check", tmp_path / "a.avsc", "--subject", "a", "--registry", "http://127.0.0.1:1", "--records", "5", status=64)
    schema("push", tmp_path / "empty", "--registry", "http://127.0.0.1:1", status=66)
