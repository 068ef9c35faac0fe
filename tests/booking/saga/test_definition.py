"""A saga that could strand somebody's money is refused when it is declared."""

import pytest

from booking.saga.book_tickets import BOOK_TICKETS
from booking.saga.definition import Compensatable, DefinitionError, Pivot, Retriable, SagaDefinition, Step
from messaging.message import Body


class Reserve(Body):
    booking_id: str


class Release(Body):
    booking_id: str


class Issue(Body):
    booking_id: str


class Fence(Body):
    booking_id: str


class Confirm(Body):
    booking_id: str


class Refund(Body):
    booking_id: str


class Charge(Body):
    booking_id: str
    amount: int


RESERVE = Compensatable(service="seats", forward=Reserve, compensation=Release, during="RESERVING")
ISSUE = Pivot(service="tickets", forward=Issue, fence=Fence, during="ISSUING")
CONFIRM = Retriable(service="seats", forward=Confirm, during="CONFIRMING")


def declare(*steps: Step) -> SagaDefinition:
    return SagaDefinition(name="Test", given=("booking_id",), steps=steps, completed="DONE", compensated="UNDONE")


def test_the_booking_saga_is_sound() -> None:
    kinds = [(step.name, step.kind.value) for step in BOOK_TICKETS.steps]
    assert kinds == [
        ("ReserveSeats", "compensatable"),
        ("TakePayment", "compensatable"),
        ("IssueTickets", "pivot"),
        ("ConfirmSeats", "retriable"),
    ]


def test_sound_orders() -> None:
    declare(RESERVE, ISSUE, CONFIRM)
    declare(RESERVE, CONFIRM)
    declare(ISSUE)


@pytest.mark.parametrize(
    ("steps", "rule"),
    [
        ((), "a saga needs a step"),
        (
            (Compensatable(service="seats", forward=Reserve, during="RESERVING"),),
            "Reserve is compensatable but has no compensation",
        ),
        (
            (ISSUE, RESERVE),
            r"Reserve \(compensatable\) comes after Issue \(pivot\)",
        ),
        (
            (ISSUE, Retriable(service="seats", forward=Confirm, compensation=Refund, during="CONFIRMING")),
            "Confirm is retriable: it is never undone",
        ),
        (
            (Pivot(service="tickets", forward=Issue, fence=Fence, compensation=Refund, during="ISSUING"),),
            "Issue is pivot: it is never undone",
        ),
        (
            (ISSUE, Pivot(service="tickets", forward=Confirm, fence=Refund, during="X")),
            "Confirm is a second pivot after Issue",
        ),
        (
            (ISSUE, CONFIRM, Pivot(service="tickets", forward=Charge, fence=Refund, during="X")),
            r"Charge \(pivot\) comes after Confirm \(retriable\)",
        ),
        (
            (Pivot(service="tickets", forward=Issue, during="ISSUING"),),
            "Issue is a pivot without a fence",
        ),
        (
            (Retriable(service="seats", forward=Confirm, fence=Fence, during="CONFIRMING"),),
            "Confirm is retriable: only a pivot is fenced",
        ),
        ((RESERVE, RESERVE), "uses Release, Reserve twice"),
        (
            (RESERVE, Compensatable(service="x", forward=Refund, compensation=Release, during="X")),
            "uses Release twice",
        ),
        (
            (RESERVE, Compensatable(service="payments", forward=Charge, compensation=Refund, during="PAYING")),
            "Charge needs amount, which nothing before it provides",
        ),
    ],
)
def test_refused(steps: tuple[Step, ...], rule: str) -> None:
    with pytest.raises(DefinitionError, match=rule):
        declare(*steps)


def test_what_a_reply_keeps_is_there_for_the_next_step() -> None:
    priced = Compensatable(service="seats", forward=Reserve, compensation=Release, during="R", keeps=("amount",))
    declare(priced, Compensatable(service="payments", forward=Charge, compensation=Refund, during="P"))
