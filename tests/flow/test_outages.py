"""Infrastructure really down while bookings run: the others go on, and everything completes after."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from redis import Redis

from control.setup.provision import admin_url
from messaging.process.heartbeat import SEEN, STARTED
from proofs import running
from tests.breaking import frozen, read_only
from tests.flow.test_verdict import verdict
from tests.live import ENDED, Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def nothing_armed(live: Live) -> Iterator[None]:
    wait_until(lambda: banner(live) == "", 30, "what an earlier test took down to be back")
    yield
    for _ in range(2):
        live.http.delete("/api/faults")
    wait_until(lambda: live.http.get("/readyz").status_code == 200, 60, "everything to be back")


ASKED = "select count(*) from booking_outbox where type = 'IssueTickets' and correlation_id = any(%s)"


def banner(live: Live) -> str:
    return live.http.get("/rail/outages").text.strip()


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
    outage = live.arm(point="database", action="down", service="payments", seconds=20)
    with pytest.raises(Exception, match="not currently accepting connections"):
        live.rows("payments", "select 1")
    wait_until(lambda: "injected" in banner(live), 5, "the banner")  # it asks for the plan five times a second
    assert "Payment" in banner(live)
    assert "not injected" not in banner(live)
    bookings += [live.place([seat], "concert-2024") for seat in seats[4:]]
    wait_until(lambda: reserved(live, bookings) >= 8, 15, "Seat to go on reserving")
    assert live.fault(outage)["until"], "all this happened during the outage"
    rows = live.ended(*bookings, within=120)
    assert {row["state"] for row in rows} == {"CONFIRMED"}
    assert paid_and_sold(live, bookings) == (12, 12)
    wait_until(lambda: live.fault(outage)["proofs"], 30, "the journal entry that proves it")
    assert live.fault(outage)["state"] == "exhausted"
    wait_until(lambda: banner(live) == "", 30, "the banner to go")


def test_redis_goes_down_and_loses_everything_during_bookings(live: Live) -> None:
    seats = live.free_seats(12)
    kept = live.arm(point="answer", action="refuse", service="payments", message="TakePayment", seat="Z-0")
    asleep = ("worker-tickets", "projector-seat-map")  # what Redis has for them, it has alone
    for name in asleep:
        live.sandbox.stop_process(name)
    bookings = [live.place([seat], "concert-2024") for seat in seats[:6]]
    wait_until(lambda: live.rows("booking", ASKED, bookings) == [(6,)], 30, "the first six to ask for their tickets")
    noted = start_and_signs(live)[0]
    outage = live.arm(point="redis", action="down", service="redis", seconds=2)
    wait_until(lambda: live.fault(outage)["fired"] and not live.fault(outage)["until"], 20, "the outage to be over")
    live.sandbox.wait_healthy("redis")
    for name in asleep:
        live.sandbox.start_process(name)
    bookings += [live.place([seat], "concert-2024") for seat in seats[6:]]
    rows = live.ended(*bookings, within=150)
    assert {row["state"] for row in rows} == {"CONFIRMED"}
    assert paid_and_sold(live, bookings) == (12, 12)
    wait_until(lambda: live.fault(outage)["proofs"], 30, "the journal entry that proves it")
    assert live.fault(kept)["state"] == "armed", "the plan has come back"
    assert start_and_signs(live)[0] == noted, "so has the note of the start"
    (asked,) = live.rows("booking", ASKED, bookings[:6])
    assert asked[0] > 6, "what was lost with Redis was sent again"
    wait_until(lambda: live.seat(seats[0], "concert-2024")["status"] == "SOLD", 30, "the seat map to read Seat's log")
    wait_until(lambda: verdict(live)["status"] == "holds", 30, "each view to equal the truth")


def test_a_killed_control_process_leaves_nothing_down(live: Live) -> None:
    live.arm(point="database", action="down", service="tickets", seconds=4)
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
    outage = live.arm(point="database", action="down", service="projections", seconds=60)
    page = live.http.get("/")
    assert page.status_code == 503
    assert "The views are down" in page.text
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
    rows = live.ended(*bookings[2:], within=60)
    assert {(row["state"], row["reason"]) for row in rows} == {("CONFIRMED", "")}
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


def test_a_database_that_is_read_only_cancels_no_booking(live: Live) -> None:
    seats = live.free_seats(4)
    with read_only("seats", live.sandbox.environments.control()):
        bookings = [live.place([seat], "concert-2024") for seat in seats]
        wait_until(lambda: live.rows("booking", RESERVING, bookings) == [(4,)], 15, "Seat to be asked")
        assert reserved(live, bookings) == 0
    with read_only("booking", live.sandbox.environments.control()):
        answer = wait_until(lambda: refused(live), 5, "the front to meet it: its server may take a moment to know")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "read-only" in answer.json()["detail"]
    assert {row["state"] for row in live.ended(*bookings, within=60)} == {"CONFIRMED"}


def refused(live: Live) -> Any:
    """The answer to a booking that is not taken; None if it is."""
    answer = live.http.post("/api/bookings", json=BODY, headers={"Idempotency-Key": str(uuid.uuid4())})
    return answer if answer.status_code != 202 else None


RESERVING = "select count(*) from booking_outbox where type = 'ReserveSeats' and correlation_id = any(%s)"
BODY = {"performance": "concert-2024", "seats": ["A-1"], "customer": 123, "payment_method": "tok_visa"}


def test_a_locked_seat_keeps_only_its_own_booking_waiting(live: Live) -> None:
    locked, *seats = live.free_seats(4)
    url = live.sandbox.environments.control()["DATABASE_URL_SEATS"]
    with psycopg.connect(url) as somebody:
        where = "performance_id = 'concert-2024' and label = %s"
        somebody.execute(f"select from seats_seat where {where} for update".encode(), [locked])
        waits = live.place([locked], "concert-2024")
        others = [live.place([seat], "concert-2024") for seat in seats]
        assert {row["state"] for row in live.ended(*others, within=20)} == {"CONFIRMED"}
        assert live.booking(waits)["state"] not in ENDED
    assert live.ended(waits, within=30)[0]["state"] == "CONFIRMED"


def test_servers_that_stand_still_keep_nobody_waiting_for_long(live: Live) -> None:
    def pid(name: str) -> int:
        return int(running.supervisor(live.sandbox.layout).statuses()[name].pid or 0)

    def book() -> tuple[int, float]:
        began = time.monotonic()
        answer = live.http.post("/api/bookings", json=BODY, headers={"Idempotency-Key": str(uuid.uuid4())})
        return answer.status_code, time.monotonic() - began

    with frozen(pid("redis")):
        for _ in range(3):
            status, took = book()
            assert status == 202
            assert took < 1.5
        for path in ("/", "/bookings", "/operate", "/rail/outages", "/readyz", "/api/performances"):
            began = time.monotonic()
            assert live.http.get(path).status_code == (503 if path == "/readyz" else 200)
            assert time.monotonic() - began < 4, path
    with frozen(pid("postgres-booking")):
        status, took = book()
        assert status in (503, 504)
        assert took < 6
    wait_until(lambda: book()[0] == 202, 10, "bookings to be taken again")
    with frozen(pid("postgres-projections")):
        began = time.monotonic()
        assert live.http.get("/bookings").status_code == 503
        assert time.monotonic() - began < 8
        assert book()[0] == 202


def start_and_signs(live: Live) -> tuple[str, dict[str, str]]:
    with Redis.from_url(live.sandbox.environments.control()["REDIS_URL"], decode_responses=True) as redis:
        return redis.get(STARTED), redis.hgetall(SEEN)


def test_the_start_is_noted_before_anybody_gives_a_sign_of_life(live: Live) -> None:
    """What sets up the databases notes it; compose runs the same. The control process keeps it where Redis loses its data."""
    started, seen = start_and_signs(live)
    assert started
    assert len(seen) > 10
    assert min(seen.values()) > started
