"""`python -m sandbox.guard <signal> <pid>...`: signal those processes once whoever started the guard is gone.

Its standard input is a pipe whose other end only the parent holds. Even SIGKILL closes it, so nothing outlives its
sandbox. Whoever stops in an orderly way dismisses the guard afterwards.
"""

import contextlib
import signal
import subprocess
import sys

import psutil


def start(pids: list[int], number: signal.Signals) -> subprocess.Popen[bytes]:
    """A guard over `pids`, in a session of its own so that Ctrl-C does not reach it."""
    argv = [sys.executable, "-m", "sandbox.guard", number.name, *map(str, pids)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)


def dismiss(process: subprocess.Popen[bytes]) -> None:
    """No need of it any more: end the guard without its signalling anybody."""
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


def main(name: str, pids: list[str]) -> None:
    wards = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            wards.append(
                psutil.Process(int(pid))
            )  # remembers the start time too: a number reused by another is left alone
    sys.stdin.read()
    for ward in wards:
        with contextlib.suppress(psutil.NoSuchProcess):
            ward.send_signal(signal.Signals[name])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
