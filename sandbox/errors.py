"""Errors while the sandbox starts, worded so that a person knows where to look next."""

from collections import deque
from pathlib import Path


class SandboxError(Exception):
    """A reason to stop, worded for the person at the terminal. `log` is the file with the details."""

    def __init__(self, reason: str, log: Path | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.log = log

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log, or "" when there is none."""
        if self.log is None or not self.log.exists():
            return ""
        with self.log.open(errors="replace") as file:
            return "".join(deque(file, lines)).rstrip()


class AlreadyRunning(SandboxError):
    """Another sandbox holds this PORT's state directory."""
