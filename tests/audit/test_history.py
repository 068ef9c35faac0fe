"""Since when an invariant is broken: the first entry that broke it, however many follow."""

import copy
from collections.abc import Callable
from typing import Any

from audit.history import since
from audit.truth import Truth
from tests.audit.test_invariants import hold_left_behind, paid_without_tickets, view_shows_another_state
from tests.audit.world import CONFIRMED, DECLINED, World

Change = Callable[[World], None]


def moments(*changes: Change) -> tuple[World, list[tuple[int, Truth]]]:
    """A world, and how it stood after each of these entries: 10, 20, 30 ..."""
    world = World()
    told: list[tuple[int, Truth]] = []
    for number, change in enumerate(changes, 1):
        change(world)
        told.append((10 * number, _copy(world)))
    return world, told


def _copy(world: World) -> Truth:
    return copy.deepcopy(world.truth())


def nothing(world: World) -> None:
    pass


def another_column(world: World) -> None:
    world.row("payments", "payment", CONFIRMED).update(reason="later")


def tickets_back(world: World) -> None:
    world.row("tickets", "issuance", CONFIRMED).update(status="ISSUED")


def running(world: World) -> None:
    world.runs(CONFIRMED)


def ended(world: World) -> None:
    world.row("booking", "saga", CONFIRMED).update(state="COMPLETED")
    world.row("booking", "booking", CONFIRMED).update(state="CONFIRMED")


def evidence(world: World, name: str) -> dict[str, Any]:
    return world.verdict(name).evidence[0]


def test_the_first_entry_is_to_blame_not_those_that_follow() -> None:
    world, told = moments(nothing, paid_without_tickets, another_column, nothing)
    assert since("paid_iff_ticketed", evidence(world, "paid_iff_ticketed"), told) == 20


def test_what_was_repaired_meanwhile_is_not_to_blame() -> None:
    world, told = moments(paid_without_tickets, tickets_back, nothing, paid_without_tickets, another_column)
    assert since("paid_iff_ticketed", evidence(world, "paid_iff_ticketed"), told) == 40


def test_what_is_in_order_under_way_is_wrong_from_the_end_on() -> None:
    world, told = moments(running, paid_without_tickets, another_column, ended, nothing)
    assert since("paid_iff_ticketed", evidence(world, "paid_iff_ticketed"), told) == 40


def test_what_is_never_in_order_is_wrong_though_the_saga_runs() -> None:
    def charged_again(world: World) -> None:
        world.rows["payments"]["payment"].append({**world.row("payments", "payment", CONFIRMED), "id": "again"})

    world, told = moments(running, charged_again, another_column, ended)
    assert since("one_charge_per_booking", evidence(world, "one_charge_per_booking"), told) == 20


def test_a_view_is_wrong_from_the_entry_that_it_was_never_told_of() -> None:
    def untold(world: World) -> None:
        world.row("payments", "payment", CONFIRMED).update(status="REFUNDED", version=3)
        world.rows["payments"]["refund"].append(
            {"id": "x", "payment_id": f"pay-{CONFIRMED}", "amount": 100, "xid": 600}
        )
        world.checkpoints["bookings", "payments"]["horizon"] = 700

    def starts(world: World) -> None:  # another part of the row is behind for a while, and catches up
        running(world)
        world.bookings[CONFIRMED]["state"] = "CONFIRMED"

    world, told = moments(nothing, starts, untold, nothing, ended)
    assert since("views_equal_truth", evidence(world, "views_equal_truth"), told) == 30


def test_a_damaged_view() -> None:
    world, told = moments(nothing, nothing, view_shows_another_state, another_column)
    assert since("views_equal_truth", evidence(world, "views_equal_truth"), told) == 30


def test_what_the_journal_does_not_show_is_nobodys_fault() -> None:
    world, told = moments(nothing, nothing)
    hold_left_behind(world)
    piece = evidence(world, "no_orphan_hold")
    assert piece["booking"] == DECLINED
    assert since("no_orphan_hold", piece, told) is None
