"""`python -m tests`: the whole suite, in two lines side by side: the flows on a running sandbox, and meanwhile what needs only
servers, then the browser on a sandbox of its own.

Each waits more than it computes. They share nothing: servers, ports and directories are their own.
"""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

FLOW, BROWSER = "tests/flow", "tests/browser"
PARTS = {
    "flow": (FLOW,),
    "servers": ("tests", f"--ignore={FLOW}", f"--ignore={BROWSER}"),
    "browser": (BROWSER,),
}
LINES = (("flow",), ("servers", "browser"))
PORTS = {"browser": "18401"}  # the other sandbox has the usual one
INTERRUPTED = 2  # pytest's status


def main(words: list[str]) -> int:
    """Run all, with pytest's options `words`; every line is told as it comes. The status of the part that fares worst."""
    children: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(len(LINES)) as pool:
        try:
            return max(pool.map(lambda line: _line(line, words, children), LINES))
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


def _line(parts: tuple[str, ...], words: list[str], children: list[subprocess.Popen[str]]) -> int:
    worst = 0
    for part in parts:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if part in PORTS:
            environment["SAGABOX_TEST_PORT"] = PORTS[part]
        argv = [sys.executable, "-m", "pytest", *PARTS[part], *words]
        with subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as child:
            children.append(child)
            for told in child.stdout or ():
                print(f"{part} | {told}", end="", flush=True)
        worst = max(worst, abs(child.returncode))
        if abs(child.returncode) in (INTERRUPTED, signal.SIGINT):
            break
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
