"""Child processes that cannot outlive the tests, and waiting with a limit."""

import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Timeout(AssertionError):
    """A condition that did not come true in time."""


def until(condition, seconds, what, every=0.02):
    """Calls condition until it returns something true, and returns that; raises Timeout naming `what`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"waited {seconds} s for {what() if callable(what) else what}")
        time.sleep(every)


def _die_with_parent():
    # The kernel delivers the signal even when the parent was killed with SIGKILL, where no handler of ours runs.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(argv, *, tied=True, **kwargs):
    """Starts a process in a session of its own, so that Ctrl+C reaches only us and we decide the order of the end.

    tied: the kernel kills it when this process ends in any way."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(
        [os.fspath(a) for a in argv], start_new_session=True, preexec_fn=_die_with_parent if tied else None, **kwargs
    )


def status_of(pid):
    """What the kernel says of a process, by field ("VmRSS": "1024 kB"); None when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            return {name: value.strip() for name, value in (line.split(":", 1) for line in status)}
    except (FileNotFoundError, ProcessLookupError):
        return None


def memory_mib(pid, field):
    """A field of the kernel's, VmRSS or VmHWM or VmData, in MiB; None when the process is gone or has no memory any more."""
    value = (status_of(pid) or {}).get(field)
    return int(value.split()[0]) / 1024 if value else None


def cpu_seconds(pid):
    """User and system time of a live process with all its threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def started_at(pid):
    """Kernel start time of a live process, or None: tells a process from a later one with the same pid."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])
