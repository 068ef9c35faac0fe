"""The peers, and how one is measured: alone, on the peers' servers, in a process of its own."""

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from bench import cost
from bench.peers import packages, writes
from bench.peers.servers import Servers
from bench.results import COMPLETE, GENERATOR, Bulk, Lone, Skipped

WARM = 40
SHARE = 4  # a rung of the ladder has this part of the bookings


class Running(Protocol):
    """A peer that runs. `pids`: its own programs, without the servers and without us."""

    pids: dict[str, int]

    def throughput(self, bookings: range, clients: int) -> float:
        """Seconds until all are complete, asked for by so many clients at once."""

    def lone(self, bookings: range) -> list[float]:
        """Milliseconds until each is complete, one after the other."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """`clients`: the number at which it is quickest on two cores; `ladder`: those tried where that is to be found out."""

    title: str
    module: str
    function: str
    clients: int = 1
    ladder: tuple[int, ...] = (1,)

    def run(self, directory: Path) -> AbstractContextManager[Running]:
        opened: Callable[[Path], AbstractContextManager[Running]]
        opened = getattr(import_module(f"bench.peers.{self.module}"), self.function)
        return opened(directory)


PEERS = {
    "celery_two": Peer(
        title="Celery chain, one worker of 2 processes", module="celery_chain", function="two_processes"
    ),
    "celery_solo": Peer(title="Celery chain, a solo worker a service", module="celery_chain", function="solo_workers"),
    "restate": Peer(title="Restate", module="restate", function="restate", clients=16, ladder=(4, 16, 48)),
    "dbos": Peer(title="DBOS", module="dbos", function="dbos", clients=8, ladder=(4, 8, 16)),
    "three_commits": Peer(
        title="three bare commits", module="commits", function="three_commits", clients=8, ladder=(4, 8, 16)
    ),
    "one_transaction": Peer(
        title="one transaction, one database",
        module="commits",
        function="one_transaction",
        clients=8,
        ladder=(4, 8, 16),
    ),
}
"""By the name that `--peers` takes."""
LIMITS = ("three_commits", "one_transaction")
"""No alternatives, as they can lose a booking half done or need all tables in one database: what the machine could do at most."""


def measure(name: str, servers: Servers, bookings: int, lone: int, ladder: bool = False) -> list[Bulk | Lone | Skipped]:
    """`bookings` at once and `lone` one by one. To be called in a process of its own: it sets the environment."""
    os.environ.update(servers.environment)
    peer = PEERS[name]
    rungs = peer.ladder if ladder and len(peer.ladder) > 1 else ()
    small = max(bookings // SHARE, 1)
    writes.make_tables(WARM + small * len(rungs) + lone + bookings)
    try:
        with peer.run(servers.directory) as running:
            return _measure(name, running, servers.pids, bookings, lone, rungs)
    except packages.Unavailable as why:
        return [Skipped(system=name, reason=str(why))]


def _measure(
    name: str, running: Running, servers: dict[str, int], bookings: int, lone: int, rungs: tuple[int, ...]
) -> list[Bulk | Lone | Skipped]:
    peer, numbers = PEERS[name], _Numbers()
    running.throughput(numbers.take(WARM), peer.clients)
    small = max(bookings // SHARE, 1)
    found = {clients: small / running.throughput(numbers.take(small), clients) for clients in rungs}
    clients = max(found, key=lambda one: found[one], default=peer.clients)
    samples = running.lone(numbers.take(lone))
    pids, load = {**running.pids, **servers}, os.getloadavg()[0]
    machine = cost.Machine()
    before, ours, began = cost.look(pids, ended=True), time.process_time(), time.perf_counter()
    seconds = running.throughput(numbers.take(bookings), clients)
    elapsed = time.perf_counter() - began
    used = {**cost.used(before, cost.look(pids, ended=True)), GENERATOR: time.process_time() - ours}
    _check(name, numbers.taken)
    bulk = Bulk(
        system=name, bookings=bookings, clients=clients, seconds={COMPLETE: seconds}, load=load,
        others=machine.others(sum(used.values()), elapsed), cpu_ms=cost.a_booking(used, bookings),
    )  # fmt: skip
    return [bulk, Lone(system=name, samples_ms={COMPLETE: samples}, load=load)]


def _check(name: str, wanted: int) -> None:
    """Every booking that was asked for has its three rows: else the figure would be of something else."""
    found = writes.count_complete(together=name == "one_transaction")
    if found != (wanted,) * 3:
        raise RuntimeError(f"{PEERS[name].title}: {wanted} bookings, and seats sold, payments, tickets are {found}")


class _Numbers:
    """Bookings that nobody had yet."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, count: int) -> range:
        self.taken += count
        return range(self.taken - count + 1, self.taken + 1)
