"""A weir process under test: its configuration, its life and its log."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from .processes import spawn, status_of, until

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 20  # weir promises to stop in less; the rest is for a busy machine.
# For a build with its sanitizers, which all that is started here inherits: what librdkafka is known to forget when it ends.
os.environ.setdefault("LSAN_OPTIONS", f"suppressions={ROOT / 'tests/mock/lsan.supp'}:print_suppressions=0")


def binary():
    """The program under test: $WEIR_BIN, else the release build."""
    path = Path(os.environ.get("WEIR_BIN", ROOT / "build/release/src/cmd/weir")).absolute()
    if not path.is_file():
        raise FileNotFoundError(f"no weir at {path}: run script/build, or set WEIR_BIN")
    return path


def switched_binary():
    """A build whose remedies can be switched off: $WEIR_SWITCHED_BIN, else the debug build."""
    path = Path(os.environ.get("WEIR_SWITCHED_BIN", ROOT / "build/debug/src/cmd/weir")).absolute()
    if not path.is_file():
        raise FileNotFoundError(f"no weir with switches at {path}: run script/build debug weir, or set WEIR_SWITCHED_BIN")
    # A build without switches does not even look at the list, and a test would take its health for the remedy's fault.
    env = {**os.environ, "WEIR_WITHOUT": "no_such_remedy"}
    if subprocess.run([path, "--version"], env=env, capture_output=True, check=False).returncode == 0:
        raise ValueError(f"{path} was built without WEIR_REMEDY_SWITCHES")
    return path


def merged(base, changes):
    """A copy of a configuration with changes laid over it; None removes a key."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def shipped(pipeline, bootstrap, topics, schemas=ROOT / "schemas"):
    """The shipped configuration on other topics: input, output, dead and journal."""
    return {
        "pipeline": pipeline,
        "kafka": {"bootstrap.servers": bootstrap},
        "registry": {"dir": str(schemas)},
        "input": {"topic": topics["input"], "schema": {"subject": "user-login-value"}},
        "output": {"topic": topics["output"], "schema": {"subject": "processed-user-login-value"}},
        "dead_letter": {"topic": topics["dead"]},
        "journal": {"topic": topics["journal"]},
        "check": [{"field": "ip", "format": "ip"}],
        "set": {
            "timestamp": {"epoch_seconds": "timestamp"},
            "processed": True,
            "processed_timestamp": {"now": "millis"},
            "source_partition": {"source": "partition"},
            "source_offset": {"source": "offset"},
        },
    }


class Weir:
    """`weir run`. The configuration is written as JSON, which is YAML.

    without: remedies that are switched off, as in $WEIR_WITHOUT; that takes the build which has the switches. program: another
    build of weir than binary(). prefix: words before it, such as a program that sets a limit and runs it."""

    def __init__(self, folder, config, instance="test", without=None):
        self.folder, self.instance, self.without = Path(folder), instance, without
        self.program, self.prefix = None, ()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config_path = self.folder / "weir.yaml"
        self.log_path = self.folder / f"weir-{instance}.log"
        self.configure(config)
        self.process = None
        self.environment = {} if without is None else {"WEIR_WITHOUT": without}  # Further variables of the process.
        self._mark = 0

    def configure(self, config):
        self.config = config
        self.config_path.write_text(json.dumps(config, indent=2) + "\n")

    def start(self, *words):
        """Starts it, with further arguments."""
        assert not self.alive, "it runs already"
        self._mark = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            program = self.program or (binary() if self.without is None else switched_binary())
            argv = [*self.prefix, program, "run", "-c", self.config_path, "--instance", self.instance, *words]
            env = {**os.environ, **self.environment}
            self.process = spawn(argv, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, env=env)
        return self

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self, whole=False):
        """What it logged since its last start, or ever."""
        if not self.log_path.exists():
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            log.seek(0 if whole else self._mark)
            return log.read()

    def lines(self, pattern, whole=False):
        found = re.compile(pattern)
        return [line for line in self.log(whole).splitlines() if found.search(line)]

    def wait_for_log(self, pattern, seconds, count=1):
        """Waits for lines that match; fails at once when the process ends first."""

        def there():
            found = self.lines(pattern)
            if len(found) < count and not self.alive:
                raise AssertionError(f"weir ended with {self.process.returncode} before /{pattern}/:\n{self.tail()}")
            return found if len(found) >= count else None

        return until(there, seconds, lambda: f"/{pattern}/ in the log of weir:\n{self.tail()}")

    def tail(self, lines=30):
        return "\n".join(self.log(whole=True).splitlines()[-lines:])

    def kill(self):
        """SIGKILL, as the kernel's out-of-memory killer does."""
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def wait(self, seconds):
        """Its exit status, once it has ended by itself."""
        until(lambda: not self.alive, seconds, lambda: f"weir to end\n{self.tail()}")
        return self.process.returncode

    def _listens(self):
        """True once the process has said what it wants of SIGTERM: what comes before that ends any process at once."""
        caught = (status_of(self.process.pid) or {}).get("SigCgt")
        return caught is None or bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

    def stop(self, seconds=STOP_SECONDS):
        """SIGTERM, and its exit status."""
        until(lambda: self._listens() or not self.alive, seconds, "weir to listen to signals")
        self.process.terminate()
        return self.wait(seconds)

    def close(self):
        if self.alive:
            self.process.kill()
            self.process.wait()


def generate(bootstrap, topic, *words, seed=1, **options):
    """The command line of `weir generate`; options are written with _ for -."""
    argv = [binary(), "generate", "--bootstrap-server", bootstrap, "--topic", topic, "--seed", str(seed)]
    argv += ["--schemas", ROOT / "schemas"]
    for name, value in options.items():
        argv += [f"--{name.replace('_', '-')}", str(value)]
    return [*argv, *words]
