"""The failpoint matrix as a child of the control process: one at a time, with its result in a file that outlives it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from topology.tuning import Seconds

PATIENCE_S: Seconds = 10.0  # for it to end, when this process ends


class AlreadyRunning(RuntimeError):
    """A matrix is already running; only one can run at a time."""


class Matrix:
    """`directory` keeps matrix.json and matrix.log. `url` is the front door's."""

    def __init__(self, directory: Path, url: str) -> None:
        self._result, self._log, self._url = directory / "matrix.json", directory / "matrix.log", url
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, only: str, sample: bool) -> None:
        """Raises AlreadyRunning."""
        if self.running:
            raise AlreadyRunning("a matrix is already running; wait for its end")
        command = [
            sys.executable,
            "manage.py",
            "matrix",
            "--url",
            self._url,
            "--output",
            str(self._result),
            "--only",
            only,
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *(["--sample"] if sample else [])], cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def state(self) -> dict[str, Any]:
        """{"running", "error": why the last one could not run, "result": as `manage.py matrix` writes it, or null}."""
        failed = self._process is not None and not self.running and self._process.returncode not in (0, 1)
        spoke = self._log.read_text(errors="replace").strip().splitlines() if failed and self._log.exists() else []
        try:
            result = json.loads(self._result.read_text())
        except (FileNotFoundError, ValueError):
            result = None
        return {"running": self.running, "error": spoke[-1] if spoke else "", "result": result}

    def rest(self) -> None:
        if self._process is not None and self.running:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
