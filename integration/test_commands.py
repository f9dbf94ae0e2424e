"""What a person types: exit statuses and messages."""

import json
import subprocess
import time

from lab.logins import plain
from lab.weir import ROOT, binary


def weir(*words, stdin=b"", env=None):
    return subprocess.run([binary(), *words], input=stdin, capture_output=True, timeout=30, check=False, cwd=ROOT, env=env)


def test_try_shows_what_would_become_of_a_record():
    done = weir("try", "-c", "config/user-login.yaml", stdin=plain() + b"\nnot json\n")
    good, bad = map(json.loads, done.stdout.splitlines())
    assert good["verdict"] == "PASS" and good["output"]["processed"] is True
    assert bad["verdict"] == "REJECT" and bad["code"]


def test_try_reads_values_of_one_schema_as_another(tmp_path):
    writer, reader = tmp_path / "w.avsc", tmp_path / "r.avsc"
    writer.write_text('{"type": "array", "items": "int"}')
    reader.write_text('{"type": "array", "items": ["null", "double"]}')
    done = weir("try", "--writer", writer, "--reader", reader, stdin=b'[1, 2]\n["x"]\n')
    good, bad = map(json.loads, done.stdout.splitlines())
    assert good["output"] == [1.0, 2.0] and bad["field"] == "[0]"
    done = weir("try", "--writer", writer, "--reader", reader, "--hex", stdin=b"020e00\n04\n")
    good, bad = map(json.loads, done.stdout.splitlines())
    assert good["output_hex"] == "0202" + "0000000000001c40" + "00" and bad["code"] == "truncated"
    done = weir("try", "--writer", reader, "--reader", writer)
    assert done.returncode == 65 and done.stderr.startswith(b"weir try: writer to reader: ")


def test_the_shipped_configuration_is_sound():
    assert weir("config", "check", "-c", "config/user-login.yaml").returncode == 0


def test_a_misspelt_option_is_named_with_its_place_and_the_nearest_name(tmp_path):
    path = tmp_path / "weir.yaml"
    path.write_text((ROOT / "config/user-login.yaml").read_text().replace("dead_letter:", "dead_leter:"))
    done = weir("config", "check", "-c", path)
    assert done.returncode == 78
    assert b"dead_leter" in done.stderr and b"dead_letter" in done.stderr


def test_every_command_has_help():
    assert weir("--help").returncode == 0
    for command in ("run", "try", "generate", "config"):
        done = weir(command, "--help")
        assert done.returncode == 0 and done.stdout, command


def test_a_wrong_command_line_is_a_usage_error():
    assert weir("rum").returncode == 64
    for command in ("run", "try", "generate", "config"):
        done = weir(command, "--no-such-option")
        assert done.returncode == 64
        assert done.stderr.startswith(f"weir {command}: ".encode()), done.stderr
    done = weir("run", "-c", "config/user-login.yaml", "--instance", "a b")
    assert done.returncode == 64 and b"'a b'" in done.stderr


def test_a_line_that_is_not_hexadecimal_does_not_end_the_others():
    done = weir("try", "-c", "config/user-login.yaml", "--hex", stdin=plain().hex().encode() + b"\nxx\n7b7d\n")
    good, bad, empty = map(json.loads, done.stdout.splitlines())
    assert good["verdict"] == "PASS" and empty["verdict"] == "PASS"
    assert bad["line"] == 2 and "hexadecimal" in bad["error"]
    assert done.returncode == 1


def test_a_load_ends_in_time_without_a_broker():
    began = time.monotonic()
    done = weir("generate", "--bootstrap-server", "127.0.0.1:1", "--topic", "t", "--duration", "1s", "--format", "json")
    assert done.returncode == 69 and time.monotonic() - began < 25
    assert all(line.startswith(b"weir generate: ") for line in done.stderr.splitlines()), done.stderr


def test_stopping_no_broker_is_an_error(tmp_path):
    done = subprocess.run([ROOT / "script/kafka", "stop", tmp_path / "none"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and b"no broker" in done.stderr
    assert not (tmp_path / "none").exists()
