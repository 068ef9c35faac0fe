"""`python -m tests`: the whole suite, in two lines side by side: the flows on a running sandbox, and meanwhile what needs only
servers, then the browser on a sandbox of its own.

Each waits more than it computes. They share nothing: servers, ports and directories are their own.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

FLOW, BROWSER = "tests/flow", "tests/browser"
PARTS = {
    "flow": (FLOW,),
    "servers": ("tests", f"--ignore={FLOW}", f"--ignore={BROWSER}"),
    "browser": (BROWSER,),
}
LINES = (("flow",), ("servers", "browser"))
PORTS = {"browser": "18401"}  # the other sandbox has the usual one


def main(words: list[str]) -> int:
    """Run all, with pytest's options `words`; every line is told as it comes. The status of the part that fares worst."""
    with ThreadPoolExecutor(len(LINES)) as pool:
        return max(pool.map(lambda line: max(_run(part, words) for part in line), LINES))


def _run(part: str, words: list[str]) -> int:
    with _pytest([*PARTS[part], *words], PORTS.get(part)) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(f"{part} | {line}", end="", flush=True)
        return abs(child.wait())


@contextmanager
def _pytest(arguments: list[str], port: str | None) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "pytest", *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **({"SAGABOX_TEST_PORT": port} if port else {})}
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
