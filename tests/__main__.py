"""`python -m tests`: the whole suite in parts, two at a time: each waits more than it computes.

They share nothing: servers, ports and directories are their own. At the end the ten slowest steps of all parts are listed.
`python -m tests -m proof` runs what takes too long for every change (`make proofs`).
"""

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

APART = ("tests/flow", "tests/bench", "tests/browser", "tests/lab", "tests/journal", "tests/messaging")
PARTS = {  # in the order in which they begin: the long ones must not be last
    "flow": ("tests/flow", "tests/bench"),  # the bench is tried on the flows' sandbox
    "servers": ("tests", *(f"--ignore={directory}" for directory in APART)),
    "browser": ("tests/browser",),
    "lab": ("tests/lab",),
    "logs": ("tests/journal", "tests/messaging"),
}
AT_ONCE = 2
PORTS = {"browser": "18401", "servers": "18402", "lab": "18403"}  # of their sandboxes; the flows' has the usual one
INTERRUPTED = 2  # pytest's status
NOTHING = 5  # pytest's status where a part has no test of the kind that is asked for
SLOWEST = 10
DURATION = re.compile(r"(?P<seconds>\d+\.\d+)s (?:call|setup|teardown) +\S+")
STOPPED = (INTERRUPTED, -signal.SIGINT)


def main(words: list[str]) -> int:
    """Run all, with pytest's options `words`; every line is told as it comes. The status of the part that fares worst."""
    children: list[subprocess.Popen[str]] = []
    durations: list[str] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            status = max(pool.map(lambda part: _run(part, words, children, durations), PARTS))
            print(f"The {SLOWEST} slowest steps of all parts:", *slowest(durations), sep="\n")
            return status
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


def slowest(lines: list[str]) -> list[str]:
    """The lines of pytest's own reports of durations ("1.23s call tests/x.py::test_y"), the longest ten first."""
    return sorted(lines, key=lambda line: -float(line.partition("s")[0]))[:SLOWEST]


def _run(part: str, words: list[str], children: list[subprocess.Popen[str]], durations: list[str]) -> int:
    if any(child.returncode in STOPPED for child in children):
        return INTERRUPTED
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if part in PORTS:
        environment["SAGABOX_TEST_PORT"] = PORTS[part]
    argv = [sys.executable, "-m", "pytest", f"--durations={SLOWEST}", *PARTS[part], *words]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        children.append(child)
        for told in child.stdout or ():
            print(f"{part} | {told}", end="", flush=True)
            if DURATION.match(told.strip()):
                durations.append(told.strip())
    return 0 if child.returncode == NOTHING and "-m" in words else abs(child.returncode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
