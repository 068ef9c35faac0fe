"""A peer's programs: started in a session of their own, with a log, and ended in order."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.running import guard

ROOT = Path(__file__).resolve().parents[2]
END_WITHIN_S = 15


@contextmanager
def program(
    command: Sequence[str | Path],
    log: Path,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    talks: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command for the length of the block; with its whole session it is ended afterwards, and if we are killed.

    `talks`: by pipes at its standard input and output; else the log has its output.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(
            [*map(str, command)], cwd=cwd, env={**os.environ, **(environment or {})}, start_new_session=True,
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL, stdout=subprocess.PIPE if talks else output,
            stderr=output,
        )  # fmt: skip
    watch = guard.start([child.pid], signal.SIGTERM)
    try:
        yield child
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(END_WITHIN_S)
        with suppress(ProcessLookupError):  # what it has left behind
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        guard.dismiss(watch)


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
