"""Each invariant: it holds in a world in order, and the damage that breaks it is named, with its evidence."""

from collections.abc import Callable

import pytest

from audit.verdict import judge
from tests.audit.world import CONFIRMED, DECLINED, REFUNDED, World

STRANGER = "00000000-0000-7000-8000-0000000000ff"


def ticket_for_the_same_seat(world: World) -> None:
    world.rows["tickets"]["issuance"][-1].update(status="ISSUED")
    ticket = {"booking_id": REFUNDED, "id": "t2", "seat": "A-1", "code": "d"}
    world.rows["tickets"]["ticket"].append(ticket)


def confirmed_hold_over_the_same_seat(world: World) -> None:
    world.row("booking", "booking", REFUNDED).update(seats=["A-1"])
    world.row("seats", "hold", REFUNDED).update(status="CONFIRMED")


def paid_without_tickets(world: World) -> None:
    world.row("tickets", "issuance", CONFIRMED).update(status="REFUSED")


def tickets_without_payment(world: World) -> None:
    world.rows["payments"]["payment"] = [
        row for row in world.rows["payments"]["payment"] if row["booking_id"] != CONFIRMED
    ]


def confirmed_with_nothing(world: World) -> None:
    paid_without_tickets(world)
    tickets_without_payment(world)


def cancelled_with_everything(world: World) -> None:
    world.row("booking", "booking", CONFIRMED).update(state="CANCELLED")


def tickets_for_other_seats(world: World) -> None:
    world.row("tickets", "ticket", CONFIRMED).update(seat="Z-9")


def second_charge(world: World) -> None:
    world.rows["payments"]["payment"].append({**world.row("payments", "payment", CONFIRMED), "id": "again"})


def booked_twice_by_one_request(world: World) -> None:
    world.rows["booking"]["request"] += [{"booking_id": one, "request": "same"} for one in (CONFIRMED, DECLINED)]


def hold_left_behind(world: World) -> None:
    world.row("seats", "hold", DECLINED).update(status="HELD")


def seat_taken_by_nobody_known(world: World) -> None:
    world.row("seats", "seat", CONFIRMED).update(booking_id=STRANGER)


def seat_freed_under_a_sold_hold(world: World) -> None:
    world.row("seats", "seat", CONFIRMED).update(status="AVAILABLE", booking_id=None)


def refund_without_payment(world: World) -> None:
    world.rows["payments"]["refund"].append({"id": "lone", "payment_id": "gone", "amount": 5, "booking_id": None})


def refund_of_money_still_held(world: World) -> None:
    world.row("payments", "payment", REFUNDED).update(status="COMPLETED")


def refunded_without_refund(world: World) -> None:
    world.rows["payments"]["refund"].clear()


def refund_of_another_amount(world: World) -> None:
    world.rows["payments"]["refund"][0].update(amount=99)


def charged_more_than_the_price(world: World) -> None:
    world.row("payments", "payment", CONFIRMED).update(amount=101)


def view_shows_another_state(world: World) -> None:
    world.bookings[CONFIRMED].update(state="PAYING")


def view_lacks_a_ticket(world: World) -> None:
    world.bookings[CONFIRMED].update(tickets=[])


def view_shows_a_booking_too_many(world: World) -> None:
    world.bookings[STRANGER] = {"booking_version": 1}


def seat_map_shows_a_free_seat(world: World) -> None:
    world.seats["concert", "A-1"].update(status="AVAILABLE", booking_id=None)


def seat_map_shows_a_seat_too_many(world: World) -> None:
    world.seats["concert", "Z-1"] = {"status": "AVAILABLE", "booking_id": None, "price": 1, "version": 1}


def history_forgets_a_refund(world: World) -> None:
    world.history[REFUNDED].update(refunded=0)


def history_lacks_a_ticket(world: World) -> None:
    world.history[CONFIRMED].update(tickets=0)


def sales_count_a_payment_for_another_performance(world: World) -> None:
    world.sales[CONFIRMED].update(performance_id="matinee")


def sales_take_money_that_was_declined(world: World) -> None:
    world.sales[DECLINED].update(taken=100)


def sales_hold_a_seat_that_is_sold(world: World) -> None:
    world.sales_seats["concert", "A-1"].update(status="RESERVED")


def history_calls_a_customer_by_another_name(world: World) -> None:
    world.names["customer_history", 1].update(name="Anna")


def saga_nobody_wakes(world: World) -> None:
    world.runs(CONFIRMED, due_at=None)


def booking_left_behind_by_its_saga(world: World) -> None:
    world.row("booking", "booking", CONFIRMED).update(state="CONFIRMING")


def saga_never_started(world: World) -> None:
    world.row("booking", "booking", DECLINED).update(state="PENDING")
    world.rows["booking"]["saga"] = [row for row in world.rows["booking"]["saga"] if row["booking_id"] != DECLINED]


DAMAGE: list[tuple[str, Callable[[World], None], str | None]] = [
    ("no_seat_sold_twice", ticket_for_the_same_seat, REFUNDED),
    ("no_seat_sold_twice", confirmed_hold_over_the_same_seat, CONFIRMED),
    ("paid_iff_ticketed", paid_without_tickets, CONFIRMED),
    ("paid_iff_ticketed", tickets_without_payment, CONFIRMED),
    ("paid_iff_ticketed", confirmed_with_nothing, CONFIRMED),
    ("paid_iff_ticketed", cancelled_with_everything, CONFIRMED),
    ("paid_iff_ticketed", tickets_for_other_seats, CONFIRMED),
    ("one_charge_per_booking", second_charge, CONFIRMED),
    ("one_charge_per_booking", booked_twice_by_one_request, DECLINED),
    ("no_orphan_hold", hold_left_behind, DECLINED),
    ("no_orphan_hold", seat_taken_by_nobody_known, STRANGER),
    ("no_orphan_hold", seat_freed_under_a_sold_hold, CONFIRMED),
    ("refund_has_payment", refund_without_payment, None),
    ("refund_has_payment", refund_of_money_still_held, REFUNDED),
    ("refund_has_payment", refunded_without_refund, REFUNDED),
    ("money_conserved", refund_of_another_amount, REFUNDED),
    ("money_conserved", charged_more_than_the_price, CONFIRMED),
    ("money_conserved", refunded_without_refund, REFUNDED),
    ("views_equal_truth", view_shows_another_state, CONFIRMED),
    ("views_equal_truth", view_lacks_a_ticket, CONFIRMED),
    ("views_equal_truth", view_shows_a_booking_too_many, STRANGER),
    ("views_equal_truth", seat_map_shows_a_free_seat, CONFIRMED),
    ("views_equal_truth", seat_map_shows_a_seat_too_many, None),
    ("views_equal_truth", history_forgets_a_refund, REFUNDED),
    ("views_equal_truth", history_lacks_a_ticket, CONFIRMED),
    ("views_equal_truth", sales_count_a_payment_for_another_performance, CONFIRMED),
    ("views_equal_truth", sales_take_money_that_was_declined, DECLINED),
    ("views_equal_truth", sales_hold_a_seat_that_is_sold, CONFIRMED),
    ("views_equal_truth", history_calls_a_customer_by_another_name, None),
    ("every_saga_ends", saga_nobody_wakes, CONFIRMED),
    ("every_saga_ends", booking_left_behind_by_its_saga, CONFIRMED),
    ("every_saga_ends", saga_never_started, DECLINED),
]


def test_a_world_in_order_holds() -> None:
    verdict = judge(World().truth())
    assert {finding.invariant.name: (str(finding.status), finding.evidence) for finding in verdict.findings} == {
        name: ("holds", []) for name, _, _ in DAMAGE
    }
    assert verdict.bookings == {"ended": 3, "running": 0, "stuck": 0}


@pytest.mark.parametrize(("name", "damage", "booking"), DAMAGE, ids=[damage.__name__ for _, damage, _ in DAMAGE])
def test_damage_is_named_with_its_evidence(name: str, damage: Callable[[World], None], booking: str | None) -> None:
    world = World()
    damage(world)
    finding = world.verdict(name)
    assert finding.status == "violated"
    assert finding.count == len(finding.evidence) > 0
    named = {one for piece in finding.evidence for one in piece["bookings"]} or {None}
    assert booking in named


def test_money_is_summed_by_currency() -> None:
    world = World()
    world.row("payments", "payment", CONFIRMED).update(currency="EUR")
    assert world.verdict("money_conserved").totals == {
        "EUR": {"in": 100, "held": 100, "returned": 0},
        "KRW": {"in": 100, "held": 0, "returned": 100},
    }


def test_evidence_is_bounded_and_counted() -> None:
    world = World()
    for number in range(50):
        world.bookings[f"stranger-{number}"] = {"booking_version": 1}
    finding = world.verdict("views_equal_truth")
    assert (len(finding.evidence), finding.count) == (20, 50)
