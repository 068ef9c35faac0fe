"""Running the Celery chain, in two forms: one worker with two processes for all queues, or a solo worker for each."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench.peers.chain import QUEUES, start
from bench.peers.programs import ROOT, program
from bench.peers.writes import connect

POLL_S = 0.25
LONE_POLL_S = 0.03
TIMEOUT_S = 300
OPTIONS = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR")
TWO = ("-c", "2", "-Q", ",".join(QUEUES.values()), "-n", "both@%h")
SOLO = tuple(("--pool", "solo", "-Q", queue, "-n", f"{queue}@%h") for queue in QUEUES.values())


class Chain:
    """A running Celery chain. `pids`: its workers. A booking is over when its ticket is there: the row has the time."""

    def __init__(self, workers: dict[str, subprocess.Popen[bytes]], tickets: psycopg.Connection) -> None:
        self.pids = {name: worker.pid for name, worker in workers.items()}
        self._tickets = tickets

    def throughput(self, bookings: range, clients: int) -> float:
        """Start the chains as fast as one process can; seconds until the last ticket. `clients` is of no use here."""
        began = datetime.now(UTC)
        for number in bookings:
            start(number)
        return (self._issued(bookings, POLL_S) - began).total_seconds()

    def lone(self, bookings: range) -> list[float]:
        """One chain at a time; milliseconds until its ticket, each."""
        samples = []
        for number in bookings:
            began = datetime.now(UTC)
            start(number)
            ended = self._issued(range(number, number + 1), LONE_POLL_S)
            samples.append((ended - began).total_seconds() * 1e3)
        return samples

    def _issued(self, bookings: range, pause: float) -> datetime:
        """When the last of these tickets was written, once all are."""
        asked = "select count(*), max(at) from ticket where id between %s and %s"
        give_up = time.monotonic() + TIMEOUT_S
        while True:
            time.sleep(pause)
            found = self._tickets.execute(asked, [bookings.start, bookings.stop - 1]).fetchone()
            assert found
            if found[0] == len(bookings):
                ended: datetime = found[1]
                return ended
            if time.monotonic() > give_up:
                raise TimeoutError(f"{found[0]} of {len(bookings)} tickets after {TIMEOUT_S} s")


@contextmanager
def two_processes(directory: Path) -> Iterator[Chain]:
    with _workers({"worker": TWO}, directory) as chain:
        yield chain


@contextmanager
def solo_workers(directory: Path) -> Iterator[Chain]:
    with _workers(dict(zip((f"worker-{name}" for name in QUEUES), SOLO, strict=True)), directory) as chain:
        yield chain


@contextmanager
def _workers(wanted: dict[str, tuple[str, ...]], directory: Path) -> Iterator[Chain]:
    with ExitStack() as stack:
        command = [sys.executable, "-m", "celery", "-q", "-A", "bench.peers.chain:app", "worker", *OPTIONS]
        workers = {
            name: stack.enter_context(program([*command, *options], directory / f"{name}.log", cwd=ROOT))
            for name, options in wanted.items()
        }
        tickets = stack.enter_context(connect("tickets"))
        yield Chain(workers, tickets)
