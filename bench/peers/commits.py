"""The limits: three bare commits in three databases, and one transaction in one database. No saga, no message, nothing kept."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from bench.peers.writes import ONE, WRITES, connect

Book = Callable[[dict[str, psycopg.Connection], int], None]


def _three_commits(to: dict[str, psycopg.Connection], booking: int) -> None:
    for database, statement in WRITES.items():
        to[database].execute(statement.encode(), {"id": booking})


def _one_transaction(to: dict[str, psycopg.Connection], booking: int) -> None:
    with to[ONE].transaction():
        for statement in WRITES.values():
            to[ONE].execute(statement.encode(), {"id": booking})


class Commits:
    """`book` in threads of this process, each with connections of its own."""

    pids: dict[str, int] = {}

    def __init__(self, book: Book, databases: list[str]) -> None:
        self._book, self._databases = book, databases

    def throughput(self, bookings: range, clients: int) -> float:
        ready = threading.Barrier(clients + 1)

        def work(mine: range) -> None:
            with self._connected() as to:
                ready.wait()
                for number in mine:
                    self._book(to, number)

        with ThreadPoolExecutor(clients) as pool:
            working = [pool.submit(work, bookings[one::clients]) for one in range(clients)]
            ready.wait()
            began = time.perf_counter()
            for one in working:
                one.result()
            return time.perf_counter() - began

    def lone(self, bookings: range) -> list[float]:
        samples = []
        with self._connected() as to:
            for number in bookings:
                began = time.perf_counter()
                self._book(to, number)
                samples.append((time.perf_counter() - began) * 1e3)
        return samples

    @contextmanager
    def _connected(self) -> Iterator[dict[str, psycopg.Connection]]:
        with ExitStack() as stack:
            yield {name: stack.enter_context(connect(name)) for name in self._databases}


@contextmanager
def three_commits(directory: Path) -> Iterator[Commits]:
    yield Commits(_three_commits, list(WRITES))


@contextmanager
def one_transaction(directory: Path) -> Iterator[Commits]:
    yield Commits(_one_transaction, [ONE])
