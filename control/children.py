"""What runs as a child of the control process: one of each at a time, with its result in a file that outlives it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from topology.tuning import Seconds

PATIENCE_S: Seconds = 10.0  # for a child to end, when this process ends


class AlreadyRunning(RuntimeError):
    """One is already running; only one can run at a time."""


class Child:
    """A management command, whose words are `command`, or else its name. An exit status that is one of `fine` shows that it
    has done its work. `directory` keeps <name>.json and <name>.log. `url` is the front door's.
    """

    name = ""
    command: tuple[str, ...] = ()
    fine: tuple[int, ...] = (0, 1)

    def __init__(self, directory: Path, url: str) -> None:
        self._result, self._log, self._url = directory / f"{self.name}.json", directory / f"{self.name}.log", url
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, *arguments: str) -> None:
        """Raises AlreadyRunning."""
        if self.running:
            raise AlreadyRunning(f"a {self.name} is already running; wait for its end")
        words = self.command or (self.name,)
        command = [sys.executable, "manage.py", *words, "--url", self._url, "--output", str(self._result)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *arguments], cwd=settings.BASE_DIR, env=_environment(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def state(self) -> dict[str, Any]:
        """{"running", "error": why the last one could not run, "result": as the command writes it, or null}."""
        failed = self._process is not None and not self.running and self._process.returncode not in self.fine
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


def _environment() -> dict[str, str]:
    """A command finds its sandbox by $PORT."""
    port = os.environ.get("SANDBOX_PORT")
    return {**os.environ, **({"PORT": port} if port else {})}


class Matrix(Child):
    """The failpoint matrix."""

    name = "matrix"

    def start(self, only: str, sample: bool) -> None:
        """Raises AlreadyRunning."""
        self._run("--only", only, *(["--sample"] if sample else []))


class Trial(Child):
    """What a safety mechanism is there for, played once."""

    name = "trial"
    _mechanism = ""

    def start(self, mechanism: str) -> None:
        """Raises AlreadyRunning."""
        self._run(mechanism)
        self._mechanism = mechanism
        self._result.unlink(missing_ok=True)  # the last one's is no answer to this one

    def state(self) -> dict[str, Any]:
        """Also `mechanism`: which it is of; "" for none since the start of this process."""
        return {**super().state(), "mechanism": self._mechanism}
