"""Running DBOS: one program that is its own client, in the peers' environment."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.peers import packages
from bench.peers.programs import ROOT, program, tail


class Dbos:
    """A running program with DBOS launched. A booking is over when its workflow has returned."""

    def __init__(self, child: subprocess.Popen[bytes], log: Path) -> None:
        self._child, self._log = child, log
        self.pids = {"program": child.pid}

    def throughput(self, bookings: range, clients: int) -> float:
        seconds: float = self._order(bookings, clients)["seconds"]
        return seconds

    def lone(self, bookings: range) -> list[float]:
        samples: list[float] = self._order(bookings, 1)["samples_ms"]
        return samples

    def _order(self, bookings: range, clients: int) -> dict[str, Any]:
        assert self._child.stdin
        order = {"clients": clients, "first": bookings.start, "count": len(bookings)}
        self._child.stdin.write(json.dumps(order).encode() + b"\n")
        self._child.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self._child.stdout
        line = self._child.stdout.readline()
        if not line:
            raise packages.Unavailable(f"DBOS ended:\n{tail(self._log)}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def dbos(directory: Path) -> Iterator[Dbos]:
    """Raises packages.Unavailable where it cannot run."""
    log = directory / "dbos.log"
    command = [str(packages.python()), "-m", "bench.peers.dbos_app"]
    with program(command, log, cwd=ROOT, talks=True) as child:
        running = Dbos(child, log)
        running.answer()
        yield running
