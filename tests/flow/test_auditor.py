"""The auditor as a process: it needs no recorder, follows events, and is missed aloud when it is away."""

import re
from typing import Any

import pytest

from tests.flow.test_verdict import damaged, execute, invariant, verdict
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)


def bar(live: Live) -> str:
    """What a page shows, without asking for a reading."""
    answer = live.http.get("/verdict")
    assert answer.status_code in (200, 204), answer.text
    return answer.text


def calm(shown: str) -> bool:
    """Whether the bar shows that all promises hold."""
    return bool(re.search(r"promises\s+hold<", shown))


def status_on_bar(live: Live, name: str) -> str:
    found = re.search(rf'data-status="(\w+)" id="verdict-{name}"', bar(live))
    return found[1] if found else ""


def ended_on_bar(live: Live) -> int:
    found = re.search(r"Holds for (\d+) booking", bar(live))
    return int(found[1]) if found else 0


def money(booking: str, by: int) -> str:
    """Nothing is sent: a transaction that no event tells of."""
    return f"update payments_payment set amount = amount + {by} where booking_id = '{booking}'"


@pytest.fixture
def booking(live: Live) -> str:
    """One that is confirmed, in a house in which everything holds."""
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    wait_until(lambda: verdict(live)["status"] == "holds", 20, "everything to hold")
    return booking


def test_what_is_broken_while_the_recorder_is_dead_is_found(live: Live, booking: str) -> None:
    last = "select max(pos) from journal_entry"
    live.sandbox.stop_process("recorder")
    try:
        (before,) = live.rows("journal", last)
        assert verdict(live)["status"] == "holds", "the control: dead alone, it breaks nothing"
        with damaged(live, "payments", [money(booking, 1)], [money(booking, -1)]):
            found = invariant(live, "money_conserved")
            assert found["status"] == "violated"
            assert [piece["booking"] for piece in found["evidence"]] == [booking]
            wait_until(lambda: status_on_bar(live, "money_conserved") == "violated", 10, "the bar to turn red")
            assert live.rows("journal", last) == [before], "the journal has not heard of it"
        assert verdict(live)["status"] == "holds"
    finally:
        live.sandbox.start_process("recorder")
        live.sandbox.wait_healthy("recorder")


def say_again(live: Live, booking: str) -> None:
    """Payment's last event about the booking, once more: a duplicate, which changes nothing anywhere."""
    columns = "kind, type, destination, subject, correlation_id, saga_id, step, action, causation_id, version, data"
    last = "kind = 'event' and correlation_id = '{booking}' order by seq desc limit 1"
    select = f"select gen_random_uuid(), {columns} from payments_outbox where {last.format(booking=booking)}"
    execute(live, "payments", f"insert into payments_outbox (id, {columns}) {select}")


def test_an_event_leads_to_what_is_broken_and_the_repair_is_seen(live: Live, booking: str) -> None:
    """Nobody asks for a reading of everything: the bar turns red by itself, and calm again."""
    ended = wait_until(lambda: ended_on_bar(live), 10, "the bar")
    with damaged(live, "payments", [money(booking, 1)], [money(booking, -1)]):
        live.ended(live.place(live.free_seats(1), "concert-2024"))
        wait_until(lambda: ended_on_bar(live) > ended, 20, "another booking to be judged")
        assert status_on_bar(live, "money_conserved") == "holds", "the control: no event has told of it"
        say_again(live, booking)
        wait_until(lambda: status_on_bar(live, "money_conserved") == "violated", 20, "the bar to turn red")
    wait_until(lambda: status_on_bar(live, "money_conserved") == "holds", 20, "the repair to be seen")


def test_an_auditor_that_is_away_is_missed_aloud(live: Live, booking: str) -> None:
    wait_until(lambda: calm(bar(live)), 20, "the bar to be calm")
    live.sandbox.stop_process("auditor")
    try:
        said = r"The auditor does not answer. This is its verdict of [\d:]{8} UTC, and may no longer be true."
        wait_until(lambda: re.search(said, bar(live)), 10, "the bar to say so")
        assert not calm(bar(live))
        answer = live.http.get("/api/verdict")
        assert (answer.status_code, answer.json()["detail"]) == (503, "service 'auditor' does not answer: ConnectError")
        assert live.command("verdict").returncode == 3
        parts: dict[str, Any] = live.http.get("/readyz").json()["parts"]
        assert "auditor" in parts
    finally:
        live.sandbox.start_process("auditor")
        live.sandbox.wait_healthy("auditor")
    wait_until(lambda: calm(bar(live)), 20, "the bar to be calm again")


def test_an_auditor_that_is_killed_comes_back_and_reads_everything(live: Live, booking: str) -> None:
    before = verdict(live)["whole_at"]
    live.arm(point="process", action="crash", service="auditor")

    def read_again() -> bool:
        answer = live.http.get("/verdict")
        found = re.search(r"Everything was read at [^>]+>([\d:]{8})", answer.text)
        return bool(found and found[1] > before[11:19] and calm(answer.text))

    wait_until(read_again, 40, "a verdict of the auditor that came after")
