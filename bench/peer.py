"""Running the peer: tables, workers and load of the Celery chain, on Sagabox' own PostgreSQL instances and Redis."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from bench.chain import TABLES

ROOT = Path(__file__).resolve().parent.parent
QUEUES = {"seats": "bench.seats", "payments": "bench.payments", "tickets": "bench.tickets"}
TIMEOUT_S = 300


class Chain:
    """A running Celery chain: `throughput(n)` and `lone(n)`. Seats are numbered on from run to run."""

    def __init__(self, connections: dict[str, psycopg.Connection]) -> None:
        self._connections = connections
        self._next = 1

    def throughput(self, count: int) -> float:
        """Start `count` chains as fast as one process can; seconds until the last ticket is there."""
        from bench.chain import start

        numbers = self._seats(count)
        began = time.perf_counter()
        for number in numbers:
            start(number)
        self._until(self._next - 1)
        return time.perf_counter() - began

    def lone(self, count: int) -> list[float]:
        """One chain at a time; milliseconds until its ticket is there, each."""
        from bench.chain import start

        samples = []
        for number in self._seats(count):
            began = time.perf_counter()
            start(number)
            self._until(number, pause=0.001)
            samples.append((time.perf_counter() - began) * 1e3)
        return samples

    def _seats(self, count: int) -> range:
        numbers = range(self._next, self._next + count)
        self._connections["seats"].execute(
            "insert into bench_seat select n, 'AVAILABLE' from generate_series(%s::bigint, %s::bigint) n",
            (numbers.start, numbers.stop - 1),
        )
        self._next = numbers.stop
        return numbers

    def _until(self, tickets: int, pause: float = 0.02) -> None:
        give_up = time.monotonic() + TIMEOUT_S
        while True:
            found = self._connections["tickets"].execute("select count(*) from bench_ticket").fetchone()
            if found and found[0] >= tickets:
                return
            if time.monotonic() > give_up:
                raise TimeoutError(f"{found} of {tickets} tickets after {TIMEOUT_S} s")
            time.sleep(pause)


@contextmanager
def celery_chain(environment: dict[str, str]) -> Iterator[Chain]:
    """A worker per service and a table in each of their databases, for the length of the block."""
    with ExitStack() as stack:
        connections = {}
        for service, table in TABLES.items():
            connection = psycopg.connect(environment[f"DATABASE_URL_{service.upper()}"], autocommit=True)
            stack.callback(connection.close)
            name = table.split()[2]
            connection.execute(f"drop table if exists {name}".encode())
            connection.execute(table.encode())
            stack.callback(connection.execute, f"drop table {name}".encode())
            connections[service] = connection
        for queue in QUEUES.values():
            worker = subprocess.Popen(
                [sys.executable, "-m", "celery", "-q", "-A", "bench.chain:app", "worker", "--pool", "solo", "-Q", queue, "-n",
                 f"{queue}@%h", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR"],
                cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(worker.wait)
            stack.callback(worker.terminate)
        chain = Chain(connections)
        chain.throughput(20)  # the workers are up and warm
        yield chain
