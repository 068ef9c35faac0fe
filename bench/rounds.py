"""The rounds: each measures Sagabox in each of its houses, then every peer; never two of them at once."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from bench.apart import apart
from bench.peers import servers
from bench.peers.catalogue import PEERS, measure
from bench.results import SAGABOX, VIEWS, Bulk, Lone, Skipped
from bench.sagabox import Order, is_kept
from bench.sagabox import measure as measure_sagabox

Measured = Bulk | Lone | Skipped

# For the estimate alone, in seconds: as it was on two idle cores.
START_S, FIRST_START_S, LONE_S, REQUEST_S, GROUPED_S, PEER_S = 20, 30, 1.1, 0.02, 0.015, 4
PEER_BOOKING_S = {"celery_two": 0.008, "celery_solo": 0.008, "restate": 0.012, "dbos": 0.015}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured: `systems` are names of PEERS and SAGABOX. `past`: bookings of the second house; 0: there is none."""

    port: int
    rounds: int
    bookings: int
    lone: int
    clients: int
    past: int
    ladder: bool
    systems: tuple[str, ...]

    @property
    def houses(self) -> list[Order]:
        common = {"bookings": self.bookings, "lone": self.lone, "clients": self.clients}
        empty = Order(port=self.port, past=0, grouped=True, **common)
        season = Order(port=self.port + 1, past=self.past, grouped=False, **common)
        return [] if SAGABOX not in self.systems else [empty, season] if self.past else [empty]

    @property
    def peers(self) -> list[str]:
        return [name for name in PEERS if name in self.systems]

    def estimate_s(self) -> float:
        """How long it takes on two cores with nothing else on them."""
        house = START_S + self.lone * LONE_S + self.bookings * REQUEST_S
        sagabox = sum(house + order.grouped * self.bookings * GROUPED_S for order in self.houses)
        peers = sum(PEER_S + self.bookings * PEER_BOOKING_S.get(name, 0.001) for name in self.peers)
        once = 0.0 if all(map(is_kept, self.houses)) else FIRST_START_S + self.past * GROUPED_S
        return once + self.rounds * (sagabox + peers)


def run(plan: Plan) -> Iterator[list[Measured]]:
    """After each round all that was measured so far. A peer that cannot run is skipped, and not tried again.

    Raises what a measurement of Sagabox raises.
    """
    found: list[Measured] = []
    with ExitStack() as stack:
        home = stack.enter_context(servers.home()) if plan.peers else None
        peers = plan.peers
        for number in range(1, plan.rounds + 1):
            print(f"round {number} of {plan.rounds}, load average {os.getloadavg()[0]:.1f}", flush=True)
            for order in plan.houses:
                found += _told(apart(measure_sagabox, order))
            if home and peers:
                with servers.running(home) as running:
                    for name in list(peers):
                        one = apart(measure, name, running, plan.bookings, plan.lone, plan.ladder)
                        found += _told(one)
                        if any(isinstance(each, Skipped) for each in one):
                            peers.remove(name)
            yield found


def _told(measured: list[Measured]) -> list[Measured]:
    """Print a line for each: a person waits for minutes."""
    for one in measured:
        match one:
            case Bulk():
                rates = one.rates
                moment = VIEWS if VIEWS in rates else next(iter(rates))
                name = " ".join(filter(None, (one.system, one.house, one.way)))
                print(
                    f"  {name}: {rates[moment]:.0f}/s, {sum(one.cpu_ms.values()):.2f} ms of processor time a booking",
                    flush=True,
                )
            case Skipped():
                print(f"  {one.system} is skipped: {one.reason}", flush=True)
    return measured


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
