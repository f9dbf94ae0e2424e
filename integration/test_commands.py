"""What a person types: exit statuses and messages."""

import json
import subprocess

from lab.logins import plain
from lab.weir import ROOT, binary


def weir(*words, stdin=b"", env=None):
    return subprocess.run([binary(), *words], input=stdin, capture_output=True, timeout=30, check=False, cwd=ROOT, env=env)


def test_try_shows_what_would_become_of_a_record():
    done = weir("try", "-c", "config/user-login.yaml", stdin=plain() + b"\nnot json\n")
    good, bad = map(json.loads, done.stdout.splitlines())
    assert good["verdict"] == "PASS" and good["output"]["processed"] is True
    assert bad["verdict"] == "REJECT" and bad["code"]


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
    assert weir("run", "--no-such-option").returncode == 64
