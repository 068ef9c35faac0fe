"""The measuring of the lab's figures, as a child of the control process. The figures are in Redis, too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from control.children import Child


class Measurement(Child):
    """Of exhibits, by their names."""

    name = "measurement"
    command = ("lab", "measure", "--here")
    fine = (0,)

    def __init__(self, directory: Path, url: str) -> None:
        super().__init__(directory, url)
        self._exhibits: list[str] = []

    def start(self, exhibits: Sequence[str]) -> None:
        """Measure these, or all if none is named. Raises AlreadyRunning."""
        self._run(*exhibits)
        self._exhibits = list(exhibits)

    def state(self) -> dict[str, Any]:
        """{"running", "error": why it ended early, "exhibits": those asked for, "said": its last line; "" before the first}."""
        found = super().state()
        lines = self._log.read_text(errors="replace").split("\n") if self._process is not None else []
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return {"running": found["running"], "error": found["error"], "exhibits": self._exhibits, "said": said}
