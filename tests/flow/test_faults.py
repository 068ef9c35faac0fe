"""Faults over real processes: what is held waits and is resumed, what is killed comes back, every booking ends as it should."""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from faults.points import PROCESSES
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)
LONGER_THAN_A_PIVOT_WAITS = 12.0  # seconds: two attempts, then it would be fenced


@pytest.fixture(autouse=True)
def _nothing_stays_armed(live: Live) -> Iterator[None]:
    live.settled()  # else a booking of an earlier test takes the fault
    yield
    live.http.delete("/api/faults")


def arm(live: Live, point: str, action: str, **more: Any) -> str:
    return live.arm(point=point, action=action, **more)


def listed(live: Live) -> dict[str, Any]:
    return live.http.get("/api/faults").json()


def fired(live: Live, fault: str) -> int:
    return next(found["fired"] for found in listed(live)["faults"] if found["id"] == fault)


def book(live: Live) -> str:
    return live.place(live.free_seats(1), "concert-2024")


def held_at(live: Live, point: str) -> dict[str, Any]:
    def held() -> dict[str, Any]:
        return next((one for fault in listed(live)["faults"] for one in fault["held"] if one["point"] == point), {})

    return wait_until(held, 20, "the hold")


@pytest.mark.parametrize(
    ("point", "service", "message", "state"),
    [
        ("transaction.before", "tickets", "IssueTickets", "ISSUING"),  # paid, no ticket
        ("relay.before_publish", "tickets", "IssueTicketsReply", "ISSUING"),
        ("orchestrator.before", "booking", "TakePaymentReply", "PAYING"),
    ],
)
def test_a_held_saga_stands_still_for_as_long_as_a_person_likes(
    live: Live, point: str, service: str, message: str, state: str
) -> None:
    fault = arm(live, point, "hold", service=service, message=message)
    booking = book(live)
    held = held_at(live, point)
    assert held["booking"] == booking
    until = time.monotonic() + LONGER_THAN_A_PIVOT_WAITS
    # Nothing may happen: the one condition that cannot be waited for, only watched.
    wait_until(
        lambda: time.monotonic() > until or live.rows("booking", "select 1 from booking_saga where state = 'FENCING'"),
        LONGER_THAN_A_PIVOT_WAITS + 5,
    )
    rows = live.rows("booking", "select state from booking_booking where id = %s", booking)
    assert rows == [(state,)]
    assert live.http.post(f"/api/faults/{fault}/resume").status_code == 200
    (row,) = live.ended(booking)
    assert row["state"] == "CONFIRMED"
    assert fired(live, fault) == 1


@pytest.mark.parametrize("point", ["transaction.before", "transaction.inside", "transaction.committed"])
@pytest.mark.parametrize("message", ["TakePayment", "IssueTickets"])
def test_a_worker_killed_at_a_boundary_comes_back_and_the_booking_confirms(
    live: Live, point: str, message: str
) -> None:
    service = {"TakePayment": "payments", "IssueTickets": "tickets"}[message]
    fault = arm(live, point, "crash", service=service, message=message)
    (row,) = live.ended(book(live), within=60)
    assert row["state"] == "CONFIRMED"
    assert fired(live, fault) == 1


def test_a_compensation_that_is_killed_and_fails_is_made_again(live: Live) -> None:
    killed = arm(live, "transaction.inside", "crash", service="payments", direction="compensation")
    arm(live, "answer", "refuse", service="tickets", message="IssueTickets", reason="printer_refused")
    fails = arm(live, "transaction.before", "error", service="seats", direction="compensation", step="ReserveSeats")
    booking = book(live)
    (row,) = live.ended(booking, within=90)
    assert (row["state"], row["reason"]) == ("CANCELLED", "printer_refused")
    assert (fired(live, killed), fired(live, fails)) == (1, 1)
    statuses = live.rows("payments", "select status from payments_payment where booking_id = %s", booking)
    assert statuses == [("REFUNDED",)]


def test_every_process_can_be_killed_from_the_plan_and_comes_back(live: Live) -> None:
    before = {name: process.pid for name, process in live.sandbox.processes().items()}

    def is_new(*names: str) -> bool:
        return all(live.sandbox.processes()[name].pid not in (0, before[name]) for name in names)

    asking = ("web", "control")  # who arms and tells of it
    others = [name for name in PROCESSES if name not in asking]
    killed = [arm(live, "process", "crash", service=name) for name in others]
    wait_until(lambda: all(fired(live, fault) for fault in killed), 60, "every process to be struck")
    for name in asking:
        with suppress(httpx.TransportError, KeyError):  # it may die before it has said that it will, or anybody has
            arm(live, "process", "crash", service=name)
        wait_until(lambda name=name: is_new(name), 30, f"{name} to be struck")  # type: ignore[misc]
        live.sandbox.wait_healthy(name)
    wait_until(lambda: is_new(*others), 60, "every process to come back")
    killed += [found["id"] for found in listed(live)["faults"] if found["service"] in asking]
    assert [fired(live, fault) for fault in killed] == [1] * len(PROCESSES)
    wait_until(lambda: live.http.get("/readyz").status_code == 200, 60, "everything to be back")
    (row,) = live.ended(book(live), within=90)
    assert row["state"] == "CONFIRMED"


def test_each_strike_has_its_journal_entry(live: Live) -> None:
    fault = arm(live, "bus", "duplicate", service="booking", message="TakePayment")
    (row,) = live.ended(book(live))
    assert row["state"] == "CONFIRMED"

    def proof() -> list[tuple[Any, ...]]:
        return live.rows(
            "journal",
            "select pos from journal_entry where data ->> 'kind' = 'fault' and data #>> '{data,fault}' = %s",
            fault,
        )

    assert len(wait_until(proof, 20, "the journal entry")) == 1


def test_a_toggle_strikes_the_next_booking_and_none_that_is_under_way(live: Live) -> None:
    """A booking that an earlier fault has slowed down takes no shot that is meant for the one after it."""
    for _ in range(2):
        live.http.delete("/api/faults")
    slow = arm(live, "transaction.before", "hold", service="tickets", message="IssueTickets")
    under_way = book(live)
    held_at(live, "transaction.before")
    live.toggle("printer_refuses")
    assert live.http.post(f"/api/faults/{slow}/resume").status_code == 200
    (first,) = live.ended(under_way)
    (second,) = live.ended(book(live))
    assert (first["state"], second["state"], second["reason"]) == ("CONFIRMED", "CANCELLED", "printer_refused")
