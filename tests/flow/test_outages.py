"""Infrastructure really down while bookings run: the others go on, and everything completes after."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sandbox.provision import admin_url
from tests.flow.test_verdict import verdict
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def nothing_armed(live: Live) -> Iterator[None]:
    yield
    for _ in range(2):
        live.http.delete("/api/faults")
    wait_until(lambda: live.http.get("/readyz").status_code == 200, 60, "everything to be back")


ASKED = "select count(*) from booking_outbox where type = 'IssueTickets' and correlation_id = any(%s)"


def arm(live: Live, **fault: Any) -> str:
    answer = live.http.post("/api/faults", json=fault)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def fault(live: Live, name: str) -> dict[str, Any]:
    return next(one for one in live.http.get("/api/faults").json()["faults"] if one["id"] == name)


def banner(live: Live) -> str:
    return live.http.get("/rail/outages").text


def reserved(live: Live, bookings: list[str]) -> int:
    sql = "select count(distinct booking_id) from seats_seat where status = 'RESERVED' and booking_id::text = any(%s)"
    return int(live.rows("seats", sql, bookings)[0][0])


def paid_and_sold(live: Live, bookings: list[str]) -> tuple[int, int]:
    paid = "select count(*) from payments_payment where status = 'COMPLETED' and booking_id::text = any(%s)"
    sold = "select count(*) from seats_seat where status = 'SOLD' and booking_id::text = any(%s)"
    return int(live.rows("payments", paid, bookings)[0][0]), int(live.rows("seats", sold, bookings)[0][0])


def test_payments_database_is_down_for_20_seconds_during_bookings(live: Live) -> None:
    seats = live.free_seats(12)
    bookings = [live.place([seat], "concert-2024") for seat in seats[:4]]
    outage = arm(live, point="database", action="down", service="payments", seconds=20)
    with pytest.raises(Exception, match="not currently accepting connections"):
        live.rows("payments", "select 1")
    assert "injected" in banner(live)
    assert "Payment" in banner(live)
    assert "not injected" not in banner(live)
    bookings += [live.place([seat], "concert-2024") for seat in seats[4:]]
    wait_until(lambda: reserved(live, bookings) >= 8, 15, "Seat to go on reserving")
    assert fault(live, outage)["until"], "all this happened during the outage"
    rows = live.ended(*bookings, within=120)
    assert {row["state"] for row in rows} == {"CONFIRMED"}
    assert paid_and_sold(live, bookings) == (12, 12)
    wait_until(lambda: fault(live, outage)["proofs"], 30, "the journal entry that proves it")
    assert fault(live, outage)["state"] == "exhausted"
    wait_until(lambda: banner(live) == "", 30, "the banner to go")


def test_redis_goes_down_and_loses_everything_during_bookings(live: Live) -> None:
    seats = live.free_seats(12)
    kept = arm(live, point="answer", action="refuse", service="payments", message="TakePayment", seat="Z-0")
    asleep = ("worker-tickets", "projector-seat-map")  # what Redis has for them, it has alone
    for name in asleep:
        live.sandbox.stop_process(name)
    bookings = [live.place([seat], "concert-2024") for seat in seats[:6]]
    wait_until(lambda: live.rows("booking", ASKED, bookings) == [(6,)], 30, "the first six to ask for their tickets")
    outage = arm(live, point="redis", action="down", service="redis", seconds=2)
    wait_until(lambda: fault(live, outage)["fired"] and not fault(live, outage)["until"], 20, "the outage to be over")
    live.sandbox.wait_healthy("redis")
    for name in asleep:
        live.sandbox.start_process(name)
    bookings += [live.place([seat], "concert-2024") for seat in seats[6:]]
    rows = live.ended(*bookings, within=150)
    assert {row["state"] for row in rows} == {"CONFIRMED"}
    assert paid_and_sold(live, bookings) == (12, 12)
    wait_until(lambda: fault(live, outage)["proofs"], 30, "the journal entry that proves it")
    assert fault(live, kept)["state"] == "armed", "the plan has come back"
    (asked,) = live.rows("booking", ASKED, bookings[:6])
    assert asked[0] > 6, "what was lost with Redis was sent again"
    wait_until(lambda: live.seat(seats[0], "concert-2024")["status"] == "SOLD", 30, "the seat map to read Seat's log")
    wait_until(lambda: verdict(live)["status"] == "holds", 30, "each view to equal the truth")


def test_a_killed_control_process_leaves_nothing_down(live: Live) -> None:
    arm(live, point="database", action="down", service="tickets", seconds=4)
    live.sandbox.restart("control")
    live.sandbox.wait_healthy("control")
    wait_until(lambda: can_ask(live, "tickets"), 20, "the database to be up again")
    (row,) = live.ended(live.place(live.free_seats(1), "concert-2024"), within=60)
    assert row["state"] == "CONFIRMED"


def can_ask(live: Live, service: str) -> bool:
    try:
        return live.rows(service, "select 1") == [(1,)]
    except Exception:
        return False


def test_without_its_views_the_page_says_so_and_the_services_go_on(live: Live) -> None:
    seat = live.free_seats(1)[0]
    outage = arm(live, point="database", action="down", service="projections", seconds=60)
    page = live.http.get("/")
    assert page.status_code == 503
    assert "The views are away" in page.text
    assert "Views" in banner(live)
    assert "not injected" not in banner(live)
    booking = live.place([seat], "concert-2024")
    wait_until(lambda: paid_and_sold(live, [booking]) == (1, 1), 30, "the booking to be sold, seen by nobody")
    live.http.delete(f"/api/faults/{outage}")
    assert live.ended(booking, within=60)[0]["state"] == "CONFIRMED"
    wait_until(lambda: live.http.get("/").status_code == 200, 30, "the page to be back")


def drop_slot(live: Live, service: str, slot: str) -> None:
    """As a hand would that has the right to."""
    gone = "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = %s and active"
    drop = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s and not active"

    with psycopg.connect(
        admin_url(live.sandbox.environments.control(), service, service), autocommit=True
    ) as superuser:

        def dropped() -> bool:
            superuser.execute(gone, (slot,))
            try:
                return bool(superuser.execute(drop, (slot,)).rowcount)
            except psycopg.errors.ObjectInUse:
                return False

        wait_until(dropped, 10, "the slot to go")


def test_lost_slots_are_made_again_and_nothing_is_missing_after(live: Live) -> None:
    """A relay's and the recorder's: noticed, said, made again with its gap marked, and what was missed is there."""
    seats = live.free_seats(4)
    drop_slot(live, "payments", "relay")
    bookings = [live.place([seat], "concert-2024") for seat in seats[:2]]
    rows = live.ended(*bookings, within=60)
    assert {row["state"] for row in rows} == {"CONFIRMED"}
    drop_slot(live, "seats", "recorder")
    bookings += [live.place([seat], "concert-2024") for seat in seats[2:]]
    assert {row["state"] for row in live.ended(*bookings[2:], within=60)} == {"CONFIRMED"}
    wait_until(lambda: live.http.get("/readyz").status_code == 200, 60, "everything to be well")
    wait_until(lambda: verdict(live)["status"] == "holds", 60, "the verdict to hold")

    def whole() -> bool:
        services = live.http.get("/api/replay/check").json()["services"]
        return {one["service"]: one["standing"] for one in services}.get("seats") == "equal"

    wait_until(whole, 90, "the journal to have all of Seat again")
    told = live.rows(
        "journal", "select observed, title from journal_entry where observed in ('gap', 'slot') order by pos"
    )
    assert [kind for kind, _ in told].count("gap") == 1
    assert [kind for kind, _ in told].count("slot") == 2
