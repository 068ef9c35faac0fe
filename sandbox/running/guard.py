"""`python -m sandbox.running.guard <signal> <pid>... [<directory>...]`: end those processes once the process that
started the guard is gone.

Its standard input is a pipe whose other end only the parent holds. Even SIGKILL closes it, so nothing outlives its
sandbox. The directories are removed after the processes. A process that stops in an orderly way dismisses the guard
afterwards.
"""

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

from topology.tuning import Seconds

PATIENCE: Seconds = 60  # seconds


def start(pids: Iterable[int], number: signal.Signals, directories: Iterable[Path] = ()) -> subprocess.Popen[bytes]:
    """A guard over `pids`, in a session of its own so that Ctrl-C does not reach it."""
    argv = [sys.executable, "-m", "sandbox.running.guard", number.name, *map(str, pids), *map(str, directories)]
    root = Path(__file__).resolve().parents[2]  # `-m` looks for the package there, wherever our caller stands
    return subprocess.Popen(argv, cwd=root, stdin=subprocess.PIPE, start_new_session=True)


def dismiss(process: subprocess.Popen[bytes]) -> None:
    """No need of it any more: end the guard without its signalling anybody."""
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


def main(name: str, arguments: list[str]) -> None:
    wards = []
    for pid in filter(str.isdecimal, arguments):
        with contextlib.suppress(psutil.NoSuchProcess):
            # It remembers the start time too: a number that another process has got meanwhile is left alone.
            wards.append(psutil.Process(int(pid)))
    sys.stdin.read()
    for ward in wards:
        with contextlib.suppress(psutil.NoSuchProcess):
            ward.send_signal(signal.Signals[name])
    psutil.wait_procs(wards, timeout=PATIENCE)
    for directory in arguments:
        if not directory.isdecimal():
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
