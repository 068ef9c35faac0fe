"""`python -m tests`: the whole suite, in two halves at once: what needs a running sandbox, and what needs only servers.

Each waits more than it computes. They share nothing: servers, ports and directories are their own.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

WHOLE = ("tests/flow", "tests/browser")
HALVES = {"sandbox": WHOLE, "servers": ("tests", *(f"--ignore={directory}" for directory in WHOLE))}


def main(words: list[str]) -> int:
    """Run both, with pytest's options `words`; every line is told as it comes. The status of the half that fares worse."""
    with ThreadPoolExecutor(len(HALVES)) as pool, ExitStack() as stack:
        halves = {name: stack.enter_context(_pytest([*arguments, *words])) for name, arguments in HALVES.items()}
        return max(pool.map(_tell, halves, halves.values()))


@contextmanager
def _pytest(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "pytest", *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    child = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)  # so pytest ends what it started
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _tell(name: str, child: subprocess.Popen[str]) -> int:
    assert child.stdout is not None
    for line in child.stdout:
        print(f"{name} | {line}", end="", flush=True)
    return abs(child.wait())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
