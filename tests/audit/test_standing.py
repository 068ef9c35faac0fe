"""What is pending and what is waived: nobody is blamed for a booking that is still under way."""

import pytest

from tests.audit.test_invariants import hold_left_behind, paid_without_tickets, view_shows_another_state
from tests.audit.world import CONFIRMED, DECLINED, REFUNDED, World


def test_paid_without_tickets_is_pending_while_the_saga_runs() -> None:
    world = World()
    paid_without_tickets(world)
    world.runs(CONFIRMED)
    assert world.verdict("paid_iff_ticketed").status == "pending"
    assert world.verdict("every_saga_ends").status == "pending"
    assert world.verdict("one_charge_per_booking").status == "holds"
    assert world.violated() == set()


def test_a_stuck_saga_waits_for_a_person() -> None:
    world = World()
    paid_without_tickets(world)
    world.runs(CONFIRMED, "STUCK", due_at=None)
    finding = world.verdict("every_saga_ends")
    assert finding.status == "pending"
    assert "waits for a person" in finding.evidence[0]["what"]
    assert world.verdict("paid_iff_ticketed").status == "pending"


def test_another_booking_that_runs_excuses_nobody() -> None:
    world = World()
    paid_without_tickets(world)
    world.runs(DECLINED)
    assert world.verdict("paid_iff_ticketed").status == "violated"


def test_two_that_ended_with_one_seat_are_not_excused_by_a_third_that_runs() -> None:
    world = World()
    for booking in (DECLINED, REFUNDED):
        world.row("booking", "booking", booking).update(seats=["A-1"])
        world.row("seats", "hold", booking).update(status="CONFIRMED")
    world.runs(DECLINED)
    finding = world.verdict("no_seat_sold_twice")
    assert finding.status == "violated"
    assert finding.evidence[0]["bookings"] == [CONFIRMED, REFUNDED]


def test_a_booking_that_moved_since_it_was_read_is_not_judged() -> None:
    world = World()
    hold_left_behind(world)
    world.moved = frozenset({DECLINED})
    assert world.verdict("no_orphan_hold").status == "pending"


@pytest.mark.parametrize("silent", ["booking", "seats", "payments", "tickets", "views"])
def test_a_service_that_does_not_answer_leaves_its_invariants_pending(silent: str) -> None:
    world = World()
    world.unavailable = {silent: f"{silent} does not answer: ConnectError"}
    if silent in world.rows:
        world.rows[silent] = {}
    finding = world.verdict("views_equal_truth")
    assert finding.status == "pending"
    assert finding.evidence == [{"what": f"{silent} does not answer: ConnectError", "unavailable": silent}]
    assert world.violated() == set()


def test_what_a_person_skipped_is_waived() -> None:
    world = World()
    hold_left_behind(world)
    skipped = {"step": "ReserveSeats", "action": "compensation", "reason": "sold at the door"}
    world.row("booking", "saga", DECLINED).update(waived=[skipped])
    finding = world.verdict("no_orphan_hold")
    assert (finding.status, finding.evidence) == ("holds", [])
    assert finding.waived[0] | {"booking": DECLINED, **skipped} == finding.waived[0]
    assert [one["reason"] for one in world.verdict("every_saga_ends").waived] == ["sold at the door"]
    assert finding.waived[0]["how"] == "ReserveSeats was skipped"


def test_more_waived_steps_than_are_shown_are_counted() -> None:
    world = World()
    skipped = [{"step": "ReserveSeats", "action": "compensation", "reason": f"no. {number}"} for number in range(30)]
    world.row("booking", "saga", DECLINED).update(waived=skipped)
    finding = world.verdict("every_saga_ends")
    assert (len(finding.waived), finding.waived_count) == (20, 30)


def test_whoever_ends_a_saga_by_hand_waives_all_that_was_left_of_it() -> None:
    world = World()
    paid_without_tickets(world)
    hold_left_behind(world)
    ended = {"step": "whole saga", "action": "end", "reason": "put right by hand"}
    world.row("booking", "saga", CONFIRMED).update(waived=[ended])
    assert world.verdict("paid_iff_ticketed").status == "holds"
    assert world.verdict("paid_iff_ticketed").waived[0] | ended == world.verdict("paid_iff_ticketed").waived[0]
    assert world.verdict("no_orphan_hold").status == "violated"  # that is another booking's
    assert world.verdict("every_saga_ends").waived[0]["what"] == "its saga was ended by hand"
    assert world.verdict("paid_iff_ticketed").waived[0]["how"] == "its saga was ended by hand"


def test_a_skipped_step_excuses_only_what_it_explains() -> None:
    world = World()
    paid_without_tickets(world)
    skipped = {"step": "ConfirmSeats", "action": "forward", "reason": "by hand"}
    world.row("booking", "saga", CONFIRMED).update(waived=[skipped])
    assert world.verdict("paid_iff_ticketed").status == "violated"


def older_row(world: World) -> None:
    view_shows_another_state(world)
    world.bookings[CONFIRMED].update(booking_version=1)
    world.row("booking", "booking", CONFIRMED).update(xid=950)
    world.checkpoints["bookings", "booking"].update(event_id="an earlier one")


def test_an_event_still_on_its_way_is_pending() -> None:
    world = World()
    older_row(world)
    assert world.verdict("views_equal_truth").status == "pending"


@pytest.mark.parametrize(
    "checkpoint",
    [{"event_id": "last-booking"}, {"horizon": 951}],
    ids=["it has read all events", "it has read that transaction"],
)
def test_a_view_that_has_read_the_event_has_no_excuse(checkpoint: dict[str, object]) -> None:
    world = World()
    older_row(world)
    world.checkpoints["bookings", "booking"].update(checkpoint)
    assert world.verdict("views_equal_truth").status == "violated"


def test_a_view_has_a_deadline() -> None:
    world = World()
    older_row(world)
    world.row("booking", "saga", CONFIRMED).update(last_at="2030-01-01T00:00:19+00:00")
    finding = world.verdict("views_equal_truth")
    assert finding.status == "violated"
    assert "it ended 11 s ago" in finding.evidence[0]["what"]


def test_a_transaction_id_is_counted_past_four_thousand_million() -> None:
    world = World()
    world.meta["booking"].update(xmax=str((7 << 32) + 10))
    truth = world.truth()
    assert truth.xid("booking", {"xid": 9}) == (7 << 32) + 9
    assert truth.xid("booking", {"xid": 2**32 - 1}) == (7 << 32) - 1
