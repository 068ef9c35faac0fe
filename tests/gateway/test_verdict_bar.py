"""The words of the verdict's bar: each of what the auditor has found, and none before it has."""

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from audit.verdict import judge
from gateway.audit import verdict_api
from tests.audit.test_invariants import hold_left_behind, paid_without_tickets
from tests.audit.world import CONFIRMED, DECLINED, World
from tests.dashboard.markup import compact

pytestmark = pytest.mark.urls("dashboard.urls")


def chips(world: World) -> str:
    found = judge(world.truth()).as_dict()
    return render_to_string("verdict/verdict.html#chips", {"verdict": found, "digest": ""})


def waived(world: World, booking: str, step: str, action: str, reason: str = "by hand") -> None:
    row = world.row("booking", "saga", booking)
    row.update(waived=[*(row["waived"] or ()), {"step": step, "action": action, "reason": reason}])


def test_what_is_waived_is_no_part_of_what_holds() -> None:
    world = World()
    assert "Holds for 3 bookings that have ended.</p>" in compact(chips(world))
    hold_left_behind(world)
    waived(world, DECLINED, "ReserveSeats", "compensation", "sold at the door")
    text = compact(chips(world))
    assert "Holds for 3 bookings that have ended, except for what was waived.</p>" in text
    assert ": ReserveSeats was skipped, “sold at the door”" in text
    assert "ReserveSeats was skipped: ReserveSeats was skipped" not in text


def test_a_saga_ended_by_hand_was_not_skipped() -> None:
    world = World()
    paid_without_tickets(world)
    waived(world, CONFIRMED, "whole saga", "end", "put right")
    text = chips(world)
    assert "paid, no tickets: its saga was ended by hand, “put right”" in text
    assert "whole saga was skipped" not in text


def test_the_chip_counts_all_that_is_waived() -> None:
    world = World()
    for number in range(30):
        waived(world, DECLINED, "ReserveSeats", "compensation", f"no. {number}")
    assert "<span>waived</span> 30</b>" in chips(world)


def test_before_the_first_verdict_the_bar_says_nothing_of_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's page asks for it, and it takes long."""
    watch = verdict_api.Watch()
    watch._lock.acquire()
    monkeypatch.setattr("gateway.audit.verdict.WAIT_S", 0)
    monkeypatch.setattr(verdict_api, "WATCH", watch)
    answer: Any = client.get("/verdict", HTTP_HOST="localhost")
    assert (answer.status_code, answer.content) == (204, b"")
