"""A process says that it works when it has warmed up: the first booking after a start is as quick as the next."""

import statistics
import time

import pytest

from tests.live import Live
from tests.waiting import wait_until
from topology.parts import Kind
from topology.processes import PROCESSES, SERVICES

pytestmark = pytest.mark.timeout(180)
A_BOOKINGS = (Kind.RELAY, Kind.WORKER, Kind.PROJECTOR)
RESTARTED = [one.name for one in PROCESSES if one.kind in A_BOOKINGS or one.name in ("api-booking", "web")]
NEXT = 10
COLD = "starts without a warm-up"


def seconds(live: Live, seat: str) -> tuple[str, float]:
    """A booking and how long it takes, from the request to CONFIRMED on the page."""
    began = time.perf_counter()
    booking = live.place([seat])
    (row,) = live.ended(booking)
    took = time.perf_counter() - began
    assert row["state"] == "CONFIRMED"
    return booking, took


def entries(live: Live, after: int) -> list[tuple[str, str, list[str]]]:
    """What the services have committed since an entry of the journal: service, title, and the bookings it mentions.

    But for the replicator, which notes in Booking's database how far it has read.
    """
    sql = """
        select service, title, array(select correlation from journal_mention m where m.tape = 0 and m.pos = e.pos)
        from journal_entry e where tape = 0 and pos > %s and service = any(%s)
            and title not like 'replicacheckpoint%%' order by pos
    """
    return live.rows("journal", sql, after, list(SERVICES))


def said(live: Live) -> dict[str, str]:
    """The logs of those that are started again."""
    return {name: live.sandbox.layout.log(name).read_text() for name in RESTARTED}


@pytest.mark.parametrize("compared", [False, pytest.param(True, marks=pytest.mark.proof)])
def test_the_first_booking_after_a_restart_is_as_quick_as_the_next(live: Live, compared: bool) -> None:
    """Nothing that a warm-up did is in the journal, which has all that commits. `compared`: the times, too."""
    seats = live.free_seats(NEXT + 2, "studio-night")
    earlier, _ = seconds(live, seats.pop())
    live.settled()
    after = live.rows("journal", "select max(pos) from journal_entry where tape = 0")[0][0]
    before = said(live)
    for name in RESTARTED:
        live.sandbox.stop_process(name)
    for name in RESTARTED:
        live.sandbox.start_process(name)
    live.sandbox.wait_healthy(*RESTARTED)
    assert [name for name, log in said(live).items() if COLD in log.removeprefix(before[name])] == []
    first, took = seconds(live, seats[0])
    others = [seconds(live, seat) for seat in seats[1:]] if compared else []
    if compared:
        usual = [seconds for _, seconds in others]
        # On a machine with other work any booking may take long: then one of the next does, too.
        assert took < max(2 * statistics.median(usual), max(usual)), (took, usual)

    def recorded() -> bool:
        return {service for service, _, mentioned in entries(live, after) if first in mentioned} == set(SERVICES)

    wait_until(recorded, 20, "the first booking to be recorded")
    known = {earlier, first, *(booking for booking, _ in others)}
    assert [one for one in entries(live, after) if not known & set(one[2])] == []
