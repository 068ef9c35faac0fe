"""kill -9 of every kind of process while bookings run: all end, none is lost, no seat is sold twice."""

import os
import signal

import pytest

from tests.live import Live
from tests.waiting import wait_until
from topology.processes import PROCESSES

pytestmark = pytest.mark.timeout(400)
BOOKINGS = 200


def kill(live: Live, name: str) -> None:
    """SIGKILL, as the kernel would; a PostgreSQL goes with its backends when its postmaster dies."""
    os.kill(live.sandbox.processes()[name].pid, signal.SIGKILL)


def takes_bookings(live: Live) -> bool:
    """For a second after its database was silent Booking's API answers without asking it."""
    return bool(live.http.get("/readyz").json()["parts"].get("api-booking") == "ready")


def test_kill_each_process_in_turn_during_200_bookings(live: Live) -> None:
    seats = live.free_seats(BOOKINGS)
    victims = [process.name for process in PROCESSES if process.name != "redis"]
    every = BOOKINGS // len(victims)
    bookings: list[str] = []
    for number, seat in enumerate(seats):
        if number % every == 0 and number // every < len(victims):
            name = victims[number // every]
            kill(live, name)
            if name in ("web", "api-booking", "postgres-booking", "postgres-projections"):
                live.sandbox.wait_healthy(name)  # the front door itself was killed: nobody could have booked meanwhile
                wait_until(lambda: takes_bookings(live), 30, "Booking to have noticed that its database is back")
        bookings.append(live.place([seat], "concert-2024"))
    rows = live.ended(*bookings, within=180)
    assert {row["state"] for row in rows} <= {"CONFIRMED", "CANCELLED"}
    sold = live.rows(
        "seats",
        "select booking_id::text, count(*) from seats_seat where status = 'SOLD' and booking_id::text = any(%s) group by 1",
        bookings,
    )
    confirmed = {row["id"] for row in rows if row["state"] == "CONFIRMED"}
    assert {booking for booking, _ in sold} == confirmed
    paid = live.rows(
        "payments",
        "select booking_id::text from payments_payment where status = 'COMPLETED' and booking_id::text = any(%s)",
        bookings,
    )
    assert sorted(booking for (booking,) in paid) == sorted(confirmed)
    ticketed = live.rows(
        "tickets",
        "select booking_id::text from tickets_issuance where status = 'ISSUED' and booking_id::text = any(%s)",
        bookings,
    )
    assert sorted(booking for (booking,) in ticketed) == sorted(confirmed)
    held = live.rows(
        "seats", "select count(*) from seats_seat where status = 'RESERVED' and booking_id::text = any(%s)", bookings
    )
    assert held == [(0,)]
    wait_until(lambda: live.http.get("/readyz").status_code == 200, 60, "everything to be back")


def test_redis_dies_and_loses_everything(live: Live) -> None:
    """Commands are resent by the watchdog, events are caught up from the services' event logs."""
    seats = live.free_seats(30)
    bookings = [live.place([seat], "concert-2024") for seat in seats[:15]]
    live.sandbox.stop_process("redis")
    for file in (live.sandbox.layout.state / "redis").glob("appendonlydir/*"):
        file.unlink()
    for file in (live.sandbox.layout.state / "redis").glob("*.rdb"):
        file.unlink()
    live.sandbox.start_process("redis")
    live.sandbox.wait_healthy("redis")
    bookings += [live.place([seat], "concert-2024") for seat in seats[15:]]
    rows = live.ended(*bookings, within=120)
    assert {row["state"] for row in rows} == {"CONFIRMED"}
    wait_until(lambda: live.seat(seats[0], "concert-2024")["status"] == "SOLD", 30, "the seat map to catch up")
