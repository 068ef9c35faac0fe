"""The lines that a person reads while the sandbox starts: one per stage, with its time, and the reason if one fails."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from sandbox.errors import SandboxError


class Stages:
    """Prints one line a stage. With `quiet` nothing is printed; errors are raised either way."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(quiet=quiet, highlight=False)
        self._started = time.monotonic()

    @contextmanager
    def stage(self, title: str) -> Iterator[list[str]]:
        """Time the block. What it appends to the yielded list is shown behind the title."""
        started = time.monotonic()
        notes: list[str] = []
        try:
            yield notes
        except Exception:
            self._line("✗", "red", title, notes, time.monotonic() - started)
            raise
        self._line("✓", "green", title, notes, time.monotonic() - started)

    def failed(self, error: SandboxError) -> None:
        """Why, the last lines of the log, and where the rest of it is."""
        self.console.print(Text(error.reason, style="red"), soft_wrap=True)
        if tail := error.tail():
            self.console.print(Text(tail, style="dim"), soft_wrap=True)
        if error.log is not None:
            self.console.print(Text(f"log: {error.log}"), soft_wrap=True)

    def ready(self, url: str) -> None:
        self.console.print()
        self.console.print(
            f"Sagabox is at [bold]{url}[/]  (up in {time.monotonic() - self._started:.1f} s; Ctrl-C stops everything)"
        )

    def say(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)

    def _line(self, mark: str, style: str, title: str, notes: list[str], seconds: float) -> None:
        what = f"{title} ({', '.join(notes)})" if notes else title
        self.console.print(Text.assemble((mark, style), f" {what:<62} {seconds:5.1f} s"))
