"""The measuring of the lab's figures, as a child of the control process: one at a time. The figures are in Redis."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from control.on_demand.operation import Refused
from topology.tuning import Seconds

PATIENCE_S: Seconds = 10.0  # for it to end, when this process ends


class Measurement:
    """`directory` keeps measurement.log. `url` is the front door's."""

    def __init__(self, directory: Path, url: str) -> None:
        self._log, self._url = directory / "measurement.log", url
        self._exhibits: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, exhibits: Sequence[str]) -> dict[str, Any]:
        """Measure these, or all if none is named. Raises Refused while one runs."""
        if self.running:
            raise Refused("the lab is being measured already; wait for its end")
        self._exhibits = list(exhibits)
        command = [sys.executable, "manage.py", "lab", "measure", "--here", "--url", self._url, *exhibits]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        return self.state()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def state(self) -> dict[str, Any]:
        """{"running", "exhibits": those asked for, "said": its last line, "error": why it ended before its end}."""
        lines = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        said = lines[-1] if lines and self._process is not None else ""
        failed = self._process is not None and not self.running and self._process.returncode != 0
        return {
            "running": self.running, "exhibits": self._exhibits, "said": said, "error": said if failed else "",
        }  # fmt: skip

    def rest(self) -> None:
        if self._process is not None and self.running:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
