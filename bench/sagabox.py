"""Measuring Sagabox: a sandbox is started, measured and stopped again, in a process of its own.

Stopped rather than frozen with SIGSTOP: nothing of it lies in memory or waits to be written while others are measured, none of
its connections time out meanwhile, and each round has a first booking after a start.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import cost
from bench.results import (
    CONFIRMED,
    EMPTY,
    GENERATOR,
    GROUPED,
    INDEXED,
    REQUEST,
    SAGABOX,
    SEASON,
    VIEWS,
    Bulk,
    Lone,
    Skipped,
)
from sandbox.layout import Layout
from sandbox.runtime import Sandbox
from sandbox.stages import Stages

ROOT = Path(__file__).resolve().parent.parent
CHUNK = 2_000  # past bookings are placed so many at a time
KEPT = 1.5  # a house with more than this times the wanted past bookings is made again
WARM = 60
IDLE_S = 4.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to measure. `past`: bookings that are to be there before; 0 for an empty house."""

    port: int
    past: int
    bookings: int
    lone: int
    clients: int
    grouped: bool

    @property
    def house(self) -> str:
        return SEASON if self.past else EMPTY


def is_kept(order: Order) -> bool:
    """Whether nothing has to be placed before: in the house of an earlier run, its past bookings are there."""
    return not order.past or Layout(ROOT, order.port).state.exists()


def measure(order: Order) -> list[Bulk | Lone | Skipped]:
    """To be called in a process of its own: Django's settings are those of the sandbox."""
    if not order.past:
        Sandbox(ROOT, order.port).reset()
    found = _measure(order)
    if found is None:  # it has grown in earlier runs
        Sandbox(ROOT, order.port).reset()
        found = _measure(order)
    assert found
    return found


def _measure(order: Order) -> list[Bulk | Lone | Skipped] | None:
    with Sandbox(ROOT, order.port, Stages(quiet=True)) as sandbox:
        pids = {name: status.pid for name, status in sandbox.processes().items() if status.pid}
        return measure_running(order, sandbox.url.rstrip("/"), pids, sandbox.environments.control())


def measure_running(
    order: Order, url: str, pids: dict[str, int], environment: dict[str, str]
) -> list[Bulk | Lone | Skipped] | None:
    """Measure a sandbox that runs; None if it has too many past bookings. To be called in a process of its own."""
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")
    import django
    from django.db import connections

    django.setup()
    try:
        house = House(order, url, pids)
        return None if house.past() > KEPT * order.past > 0 else house.measure()
    finally:
        connections.close_all()


class House:
    """A running sandbox, to be measured."""

    def __init__(self, order: Order, url: str, pids: dict[str, int]) -> None:
        from bench import load, rows

        self._order, self._url, self._pids = order, url, pids
        self._load, self._rows = load, rows
        self._idle: dict[str, float] = {}

    def past(self) -> int:
        from booking.models import Booking

        return Booking.objects.filter(state="CONFIRMED").count()

    def measure(self) -> list[Bulk | Lone | Skipped]:
        self._fill()
        past = self.past()
        self._rest()
        found: list[Bulk | Lone | Skipped] = [self._lone()]
        self._load.until_converged(*self._placed(self._load.in_batches, min(WARM, self._order.bookings)))
        found.append(self._bulk(REQUEST, past, self._by_request, self._order.clients))
        if self._order.grouped:
            found.append(self._bulk(GROUPED, past, self._load.in_batches, 1))
        return found

    def _fill(self) -> None:
        """Place what is missing of the past bookings, as any booking is placed."""
        while (missing := self._order.past - self.past()) > 0:
            print(f"{missing} more past bookings to place ...", flush=True)
            self._load.until_converged(*self._placed(self._load.in_batches, min(missing, CHUNK)))
            self._rows.until_indexed()

    def _rest(self) -> None:
        """Wait until nothing is left to do, then look what an idle house costs, in CPU seconds a second."""
        self._rows.until_indexed()
        before, began = cost.look(self._pids, ended=True), time.perf_counter()
        time.sleep(IDLE_S)
        passed = time.perf_counter() - began
        self._idle = {name: spent / passed for name, spent in cost.used(before, self._look()).items()}

    def _lone(self) -> Lone:
        name, labels = self._load.performance(self._order.lone)
        self._rows.until_indexed()
        since, average = self._rows.mark(), os.getloadavg()[0]
        clicks = self._load.lone(self._url, name, labels)
        self._rows.until_indexed()
        times = self._rows.times(list(clicks), since)
        return Lone(
            system=SAGABOX, house=self._order.house, load=average,
            samples_ms={
                CONFIRMED: [(times.confirmed[one] - clicked) * 1e3 for one, clicked in clicks.items()],
                VIEWS: [(times.shown[one] - clicked) * 1e3 for one, clicked in clicks.items()],
            },
        )  # fmt: skip

    def _bulk(self, way: str, past: int, buy: Callable[[str, list[str]], list[str]], clients: int) -> Bulk:
        """From the first request until the index is caught up: an idle house's part of the processor time is taken off."""
        count = self._order.bookings
        name, labels = self._load.performance(count)
        self._rows.until_indexed()
        since, average, machine = self._rows.mark(), os.getloadavg()[0], cost.Machine()
        before, ours, began = self._look(), time.process_time(), time.time()
        ids = buy(name, labels)
        self._load.until_converged(name, ids)
        caught = self._rows.until_indexed(since)
        after, generator, elapsed = self._look(), time.process_time() - ours, time.time() - began
        times = self._rows.times(ids, since)
        gross = cost.used(before, after)
        used = {program: max(spent - self._idle.get(program, 0.0) * elapsed, 0.0) for program, spent in gross.items()}
        return Bulk(
            system=SAGABOX, house=self._order.house, way=way, bookings=count, clients=clients, past=past, load=average,
            seconds={
                CONFIRMED: max(times.confirmed.values()) - began,
                VIEWS: max(times.shown.values()) - began,
                INDEXED: max(caught.stored, caught.indexed) - began,
            },
            cpu_ms=cost.a_booking({**used, GENERATOR: generator}, count),
            idle_ms=sum(self._idle.values()) * 1e3,
            others=machine.others(sum(gross.values()) + generator, elapsed),
        )  # fmt: skip

    def _by_request(self, name: str, labels: list[str]) -> list[str]:
        return self._load.by_request(self._url, name, labels, self._order.clients)

    def _placed(self, buy: Callable[[str, list[str]], list[str]], count: int) -> tuple[str, list[str]]:
        name, labels = self._load.performance(count)
        return name, buy(name, labels)

    def _look(self) -> dict[str, float]:
        return cost.look(self._pids, ended=True)
