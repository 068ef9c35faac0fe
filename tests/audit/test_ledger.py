"""A ledger that takes in what has changed says what a reading of everything says: on any history, over real HTTP."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audit.running import partial
from audit.running.ledger import Ledger
from audit.running.scope import Scope
from audit.verdict import Verdict, judge
from tests.audit.served import served, views
from tests.audit.test_invariants import DAMAGE, STRANGER, refund_without_payment
from tests.audit.world import CONFIRMED, DECLINED, REFUNDED, World

FOURTH = "00000000-0000-7000-8000-000000000004"
BOOKINGS = (CONFIRMED, DECLINED, REFUNDED, FOURTH)
LABELS = ("A-1", "A-2", "A-3", "A-4")
"""The seats of these bookings, in this order."""


class Following:
    """A world, and a ledger that is told which part of it has changed."""

    def __init__(self) -> None:
        self.world = World()
        self.ledger = Ledger()
        self.ledger.put(self.world.truth())
        self.urls: dict[str, str] = {}

    def begin(self) -> "Following":
        self.__init__()  # type: ignore[misc]
        return self

    def read(self, scope: Scope) -> None:
        truth, whole = partial.read(self.urls, scope, lambda part: views(self.world, part), self.ledger.rivals)
        self.ledger.put(truth, whole)


@pytest.fixture(scope="module")
def following() -> Iterator[Following]:
    one = Following()
    with served(lambda: one.world) as urls:
        kept = dict(urls)
        begin = one.begin

        def again() -> Following:
            begin()
            one.urls = kept
            return one

        one.begin = again  # type: ignore[method-assign]
        yield one


def plain(verdict: Verdict) -> dict[str, Any]:
    """The verdict, with its evidence in one order."""
    found = verdict.as_dict()
    for one in found["invariants"]:
        for part in ("evidence", "waived"):
            one[part] = sorted(one[part], key=repr)
    return found


def about(booking: str, *seats: str) -> Scope:
    return Scope(bookings=frozenset([booking]), seats=frozenset(f"concert/{seat}" for seat in seats))


def rows_of(world: World, service: str, kind: str, booking: str) -> list[Any]:
    return [row for row in world.rows[service][kind] if row["booking_id"] == booking]


def set_state(world: World, booking: str, value: str) -> Scope:
    for row in rows_of(world, "booking", "booking", booking):
        row["state"] = value
    return about(booking)


def set_saga(world: World, booking: str, value: str) -> Scope:
    for row in rows_of(world, "booking", "saga", booking):
        row.update(state=value, due_at="2030-01-01T00:01:00+00:00" if value == "RUNNING" else None)
    return about(booking)


def waive(world: World, booking: str, value: str) -> Scope:
    for row in rows_of(world, "booking", "saga", booking):
        row["waived"] = [{"step": value, "action": "forward", "reason": "by hand"}] if value else None
    return about(booking)


def same_request(world: World, booking: str, value: str) -> Scope:
    world.rows["booking"]["request"] = [row for row in world.rows["booking"]["request"] if row["booking_id"] != booking]
    world.rows["booking"]["request"].append({"booking_id": booking, "request": value, "xid": 600})
    return about(booking)


def set_hold(world: World, booking: str, value: str) -> Scope:
    for row in rows_of(world, "seats", "hold", booking):
        row["status"] = value
    return about(booking)


def take_seat(world: World, booking: str, value: tuple[str, str]) -> Scope:
    """Whoever had it has lost it; the event of the transaction names the seat."""
    label, status = value
    for row in world.rows["seats"]["seat"]:
        if row["label"] == label:
            row.update(status=status, booking_id=None if status == "AVAILABLE" else booking)
    return about(booking, label)


def set_payment(world: World, booking: str, value: str) -> Scope:
    for row in rows_of(world, "payments", "payment", booking):
        row["status"] = value
    return about(booking)


def set_amount(world: World, booking: str, value: int) -> Scope:
    for row in rows_of(world, "payments", "payment", booking)[:1]:
        row["amount"] = value
    return about(booking)


def charge_again(world: World, booking: str, value: str) -> Scope:
    for row in rows_of(world, "payments", "payment", booking)[:1]:
        world.rows["payments"]["payment"].append({**row, "id": f"{value}-{booking}", "currency": value})
    return about(booking)


def refund(world: World, booking: str, value: int) -> Scope:
    kept = [row for row in world.rows["payments"]["refund"] if row["booking_id"] != booking]
    more = {"booking_id": booking, "version": 2, "xid": 600, "payment_id": f"pay-{booking}", "amount": 100}
    world.rows["payments"]["refund"] = kept + [{**more, "id": f"r-{booking}-{number}"} for number in range(value)]
    return about(booking)


def issue(world: World, booking: str, value: tuple[str, str]) -> Scope:
    """Tickets for one seat, which may be another's."""
    status, label = value
    for kind in ("issuance", "ticket"):
        world.rows["tickets"][kind] = [row for row in world.rows["tickets"][kind] if row["booking_id"] != booking]
    common = {"booking_id": booking, "version": 3, "xid": 600}
    if status:
        world.rows["tickets"]["issuance"].append({**common, "performance_id": "concert", "status": status})
    if status == "ISSUED":
        world.rows["tickets"]["ticket"].append({**common, "id": f"t-{booking}", "seat": label, "code": "c"})
    return about(booking)


def rename(world: World, booking: str, value: str) -> Scope:
    world.rows["booking"]["customer"][0].update(name=value)
    return Scope(customers=frozenset(["1"]))


def show(world: World, booking: str, value: str) -> Scope:
    """The views catch up, or one shows something else. They have no events: the scope is the owner's."""
    if not value:
        world._show()
        return Scope(
            bookings=frozenset(world.truth().bookings),
            seats=frozenset(f"concert/{label}" for label in LABELS),
            customers=frozenset(["1"]),
        )
    if booking in world.bookings:
        world.bookings[booking].update(state=value)
    return about(booking)


def gone(world: World, booking: str, value: str) -> Scope:
    world.rows["booking"][value] = [row for row in world.rows["booking"][value] if row["booking_id"] != booking]
    return about(booking)


STATES = ("CONFIRMED", "CANCELLED", "PAYING", "STUCK")
CHANGES: list[tuple[Callable[[World, str, Any], Scope], tuple[Any, ...]]] = [
    (set_state, STATES),
    (set_saga, ("COMPLETED", "COMPENSATED", "RUNNING", "STUCK")),
    (waive, ("", "ReserveSeats", "whole saga", "IssueTickets")),
    (same_request, ("one", "other")),
    (set_hold, ("HELD", "CONFIRMED", "RELEASED")),
    (take_seat, tuple((label, status) for label in LABELS for status in ("AVAILABLE", "RESERVED", "SOLD"))),
    (set_payment, ("COMPLETED", "DECLINED", "REFUNDED")),
    (set_amount, (100, 150)),
    (charge_again, ("KRW", "EUR")),
    (refund, (0, 1, 2)),
    (issue, (("", ""), ("REFUSED", ""), *(("ISSUED", label) for label in LABELS))),
    (rename, ("Ana", "Ben")),
    (show, ("", "", "CANCELLED")),
    (gone, ("booking", "saga")),
]
changes = st.sampled_from(CHANGES).flatmap(
    lambda one: st.tuples(st.just(one[0]), st.sampled_from(BOOKINGS), st.sampled_from(one[1]))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(changes, min_size=1, max_size=12))
@example(history=[(gone, BOOKINGS[0], "booking"), (set_hold, BOOKINGS[0], "HELD")])
def test_what_was_followed_equals_what_is_read_whole(following: Following, history: list[Any]) -> None:
    """After each change, and whatever came before."""
    one = following.begin()
    one.world._book(FOURTH, "A-4", "CONFIRMED", "CONFIRMED", "COMPLETED", "ISSUED")
    one.world._show()
    one.read(about(FOURTH, "A-4"))
    for change, booking, value in history:
        one.read(change(one.world, booking, value))
        assert plain(one.ledger.verdict()) == plain(judge(one.world.truth())), (change.__name__, booking, value)


LEADS_NOWHERE = {refund_without_payment}  # the refund is of no booking's: only a reading of everything finds it


@pytest.mark.parametrize("damage", [damage for _, damage, _ in DAMAGE], ids=lambda damage: damage.__name__)
def test_each_breach_is_found_and_its_repair_seen(following: Following, damage: Callable[[World], None]) -> None:
    one = following.begin()
    whole = Scope(
        bookings=frozenset((*BOOKINGS, STRANGER)),
        seats=frozenset(f"concert/{label}" for label in (*LABELS, "A-9", "Z-1")),
        customers=frozenset(["1"]),
    )
    assert one.ledger.verdict().status == "holds"
    damage(one.world)
    one.read(whole)
    if damage in LEADS_NOWHERE:
        assert one.ledger.verdict().status == "holds"
        return
    assert plain(one.ledger.verdict()) == plain(judge(one.world.truth()))
    assert one.ledger.verdict().status == "violated"
    one.world = World()
    one.read(one.ledger.unsettled(200))
    assert one.ledger.verdict().status == "holds", "who is broken is looked at without an event"


def test_those_who_wait_longest_are_looked_at_first(following: Following) -> None:
    one = following.begin()
    for booking in (CONFIRMED, DECLINED, REFUNDED):
        one.read(set_saga(one.world, booking, "RUNNING"))
    seen: list[str] = []
    for _ in range(3):
        scope = one.ledger.unsettled(1)
        seen += scope.bookings
        one.read(scope)
    assert sorted(seen) == [CONFIRMED, DECLINED, REFUNDED]


def test_a_seat_leads_to_the_booking_that_it_names(following: Following) -> None:
    """Its own event has not come yet: read alone, the seat would be taken for nobody."""
    one = following.begin()
    one.world._book(FOURTH, "A-4", "CONFIRMED", "CONFIRMED", "COMPLETED", "ISSUED")
    one.world._show()
    one.read(about(DECLINED, "A-4"))
    assert plain(one.ledger.verdict()) == plain(judge(one.world.truth()))
    assert one.ledger.verdict().bookings["ended"] == 4
