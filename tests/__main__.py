"""`python -m tests`: the whole suite in parts, two at a time: each waits more than it computes.

They share nothing: servers, ports and directories are their own.
"""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

APART = ("tests/flow", "tests/browser", "tests/journal", "tests/messaging")
PARTS = {  # in the order in which they begin: the long ones must not be last
    "flow": ("tests/flow",),
    "servers": ("tests", *(f"--ignore={directory}" for directory in APART)),
    "browser": ("tests/browser",),
    "logs": ("tests/journal", "tests/messaging"),
}
AT_ONCE = 2
PORTS = {"browser": "18401"}  # the flows' sandbox has the usual one
INTERRUPTED = 2  # pytest's status
STOPPED = (INTERRUPTED, -signal.SIGINT)


def main(words: list[str]) -> int:
    """Run all, with pytest's options `words`; every line is told as it comes. The status of the part that fares worst."""
    children: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            return max(pool.map(lambda part: _run(part, words, children), PARTS))
        except KeyboardInterrupt:
            for child in children:
                if child.poll() is None:
                    child.send_signal(signal.SIGINT)  # so pytest ends what it started
            for child in children:
                try:
                    child.wait(60)
                except subprocess.TimeoutExpired:
                    child.kill()
            return INTERRUPTED


def _run(part: str, words: list[str], children: list[subprocess.Popen[str]]) -> int:
    if any(child.returncode in STOPPED for child in children):
        return INTERRUPTED
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if part in PORTS:
        environment["SAGABOX_TEST_PORT"] = PORTS[part]
    argv = [sys.executable, "-m", "pytest", *PARTS[part], *words]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        children.append(child)
        for told in child.stdout or ():
            print(f"{part} | {told}", end="", flush=True)
    return abs(child.returncode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
