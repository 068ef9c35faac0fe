"""One run: buyers and breaker in parallel, then healing, rest, and a final reading of everything, all recorded in the
history."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.reader import SilentError, fetch
from proofs.history import Entry, Recorder
from proofs.house import CUSTOMERS, House
from proofs.nemesis.breaking import Breaker
from proofs.nemesis.buyers import Buyers, Market
from proofs.nemesis.schedule import between_commit_and_publication, between_look_and_commit, schedule, weather
from proofs.running import NoSandbox
from sandbox.layout import Layout

SEATS_PER_BOOKING = 0.25  # too few
# One worker alone cannot race with itself. With two that pause for half a second each, commands queue up, and one
# worker gets rivals in the same batch, one after the other: there have to be enough workers that each command finds an
# idle one.
RIVAL_WORKERS = 3
REST_S = 300.0  # after that it has failed; the rule says 60
FINALS = {
    "booking": ("booking", "request"),
    "seats": ("seat", "hold"),
    "payments": ("payment", "refund"),
    "tickets": ("issuance", "ticket"),
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person asks for. `without`: mechanisms switched off, to see that it is noticed. `strikes` < 0: as many as fit."""

    bookings: int
    seed: int
    width: int = 10
    strikes: int = -1
    without: tuple[str, ...] = ()

    @property
    def strike_count(self) -> int:
        return self.strikes if self.strikes >= 0 else max(8, self.bookings // 40)

    def command(self) -> str:
        """What to type to have the same again."""
        more = f" --strikes {self.strikes}" if self.strikes >= 0 else ""
        more += "".join(f" --without {one}" for one in self.without)
        return f"manage.py nemesis --bookings {self.bookings} --seed {self.seed} --width {self.width}{more}"


def run(
    layout: Layout,
    house: House,
    apis: Mapping[str, str],
    recorder: Recorder,
    asked: Asked,
    progress: Callable[[int, str], Any],
) -> list[Entry]:
    """Returns the history, complete. Raises NoSandbox. `progress(percent of buyers, current activity)`."""
    if not house.ready():
        raise NoSandbox("not every part of the sandbox is ready; see /readyz")
    performance, seats = house.announce("Nemesis", max(4, round(asked.bookings * SEATS_PER_BOOKING)))
    plan = schedule(asked.seed, asked.strike_count)
    recorder.write(
        "run", seed=asked.seed, bookings=asked.bookings, seats=len(seats), command=asked.command(), without=asked.without,
        strikes=[strike.as_dict() for strike in plan],
    )  # fmt: skip
    market = Market(
        run=uuid.uuid4().hex[:8], seed=asked.seed, performance=performance, seats=seats, bookings=asked.bookings
    )
    buyers, breaker = Buyers(house, recorder, market), Breaker(layout, house, recorder, plan)
    house.clear_all()
    try:
        _go(asked, house, buyers, breaker, progress)
    finally:
        progress(100, "healing")
        breaker.heal()
    progress(100, "waiting for rest")
    _rest(house, apis, recorder)
    house.switch(**dict.fromkeys(asked.without, True))
    progress(100, "reading everything")
    _look(house, apis, recorder)
    return recorder.entries


def _go(asked: Asked, house: House, buyers: Buyers, breaker: Breaker, progress: Callable[[int, str], Any]) -> None:
    if asked.without:
        house.switch(**dict.fromkeys(asked.without, False))
        if "conditional_seat_write" in asked.without:
            for _ in range(RIVAL_WORKERS):
                breaker.another_worker("seats")
    breaker.arm(weather(asked.seed))
    if "outbox" in asked.without:
        breaker.arm([between_commit_and_publication(asked.seed)])
    if "conditional_seat_write" in asked.without:
        breaker.arm([between_look_and_commit(asked.seed)])
    over = threading.Event()
    share = lambda: buyers.placed / asked.bookings  # noqa: E731
    breaking = threading.Thread(target=breaker.run, args=(share, over.is_set), name="breaker")
    breaking.start()
    try:
        buyers.run(asked.width, lambda: progress(round(100 * share()), f"{breaker.done} strikes"))
    finally:
        over.set()
        breaking.join()


def _rest(house: House, apis: Mapping[str, str], recorder: Recorder) -> None:
    """Until every saga has ended and no wish is open. A stuck one is retried, as a person would."""
    give_up = time.monotonic() + REST_S
    while (began := time.monotonic()) < give_up:
        try:
            truth = fetch("booking", apis["booking"])
        except SilentError:
            time.sleep(0.5)
            continue
        moving = [row for row in truth.of("saga") if row["state"] not in ("COMPLETED", "COMPENSATED")]
        unsettled = [
            row for row in truth.of("booking") if row["state"] not in ("CONFIRMED", "CANCELLED") or row["due_at"]
        ]
        if not moving and not unsettled:
            recorder.write("rested")
            return
        for row in moving:
            if row["state"] == "STUCK":
                recorder.write("fault", what="a person retries", on=row["booking_id"], why=row["reason"])
                house.http.post(
                    f"/api/operator/sagas/{row['booking_id']}/retry-now", json={"who": "nemesis", "why": "healed"}
                )
        time.sleep(max(0.5, 2 * (time.monotonic() - began)))  # watching must not keep it busy


def _look(house: House, apis: Mapping[str, str], recorder: Recorder) -> None:
    """Every row of every service, then the auditor's word, as soon as nothing is pending any more."""
    give_up = time.monotonic() + REST_S
    verdict = house.verdict()
    while verdict.get("status") not in ("holds", "violated") and time.monotonic() < give_up:
        time.sleep(1)
        verdict = house.verdict()
    for service, kinds in FINALS.items():
        truth = fetch(service, apis[service])
        for kind in kinds:
            for row in truth.of(kind):
                if kind != "seat" or row["booking_id"]:
                    recorder.write("final", of=kind, row={name: row[name] for name in row if name != "xid"})
    for customer in CUSTOMERS:
        recorder.write("final", of="customer", row=house.get(f"/api/customers/{customer}"))
    violated = [one["name"] for one in verdict.get("invariants", []) if one["status"] == "violated"]
    evidence = [piece["what"] for one in verdict.get("invariants", []) for piece in one["evidence"][:3]]
    recorder.write("verdict", status=verdict.get("status", "silent"), violated=violated, evidence=evidence)
