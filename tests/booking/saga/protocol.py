"""A saga's test as a conversation: expect this command, give that reply, expect the next."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from booking.saga.book_tickets import BOOK_TICKETS
from booking.saga.definition import SagaDefinition
from booking.saga.engine import advance
from booking.saga.events import (
    Absorb,
    Action,
    Event,
    Interrupted,
    MoveBooking,
    Note,
    Overdue,
    Replied,
    RetriedByHand,
    Send,
    SkippedByHand,
    Started,
    Wait,
)
from booking.saga.policy import Policies, Policy
from booking.saga.state import SagaState

AT = "2026-11-20T12:00:00+00:00"
BOOKING = "0198c0de-0000-7000-8000-000000000001"
CONTEXT = {
    "booking_id": BOOKING,
    "customer_id": 123,
    "performance_id": "concert-2024",
    "seats": ["A-15"],
    "payment_method": "tok_visa",
}
PRICE = {"amount": 150000, "currency": "KRW"}
TWICE = Policy(attempts=2)
IMPATIENT = replace(
    BOOK_TICKETS, policies=Policies(compensatable=TWICE, pivot=TWICE, retriable=TWICE, compensation=TWICE, fence=TWICE)
)
"""The booking saga with two attempts for everything, so that giving up takes two lines."""


class Conversation:
    """A saga and everything it has said. Every method returns the conversation, so a protocol reads as a chain."""

    def __init__(self, definition: SagaDefinition = IMPATIENT) -> None:
        self.definition = definition
        self.state = SagaState(id="0198c0de-0000-7000-8000-0000000000aa", context=CONTEXT)
        self.booking, self.reason = "PENDING", ""
        self.sent: list[Send] = []
        self.notes: list[Note] = []
        self.waits: list[float] = []
        self.last: list[Action] = []
        self._unheard: list[Send] = []
        self.tell(Started(at=AT))

    def tell(self, event: Event) -> Self:
        assert not self._unheard, f"nobody expected {[send.type for send in self._unheard]}"
        self.state, self.last = advance(self.definition, self.state, event)
        for action in self.last:
            match action:
                case Send():
                    self.sent.append(action)
                    self._unheard.append(action)
                case MoveBooking():
                    self.booking, self.reason = action.state, action.reason
                case Note():
                    self.notes.append(action)
                case Wait():
                    self.waits.append(action.seconds)
        return self

    # What is expected

    def expect(self, command: str, **data: Any) -> Self:
        assert [send.type for send in self._unheard] == [command]
        send = self._unheard.pop()
        assert {name: send.data[name] for name in data} == data
        return self

    def expect_nothing(self) -> Self:
        assert not self._unheard, f"nobody expected {[send.type for send in self._unheard]}"
        return self

    def absorbed(self) -> Self:
        assert [type(action) for action in self.last] == [Absorb]
        return self

    def is_in(self, booking: str, reason: str = "") -> Self:
        assert (self.booking, self.reason) == (booking, reason)
        return self

    # What is said

    def succeeded(self, command: str = "", result: Mapping[str, Any] | None = None) -> Self:
        """The participant's reply: to the last command, or to one sent before."""
        return self._reply(self._sent(command), "succeeded", "", result)

    def refused(self, reason: str, command: str = "") -> Self:
        return self._reply(self._sent(command), "refused", reason, None)

    def overdue(self) -> Self:
        """The time of the last command is over."""
        return self.tell(Overdue(at=AT, **self.seen()))

    def seen(self) -> dict[str, Any]:
        """What a person sees who looks at it now: the attempt that the last command was."""
        send = self.sent[-1]
        attempt = sum((send.step, send.action) == (other.step, other.action) for other in self.sent)
        return {"step": send.step, "action": send.action, "attempt": attempt}

    def interrupted(self, reason: str) -> Self:
        return self.tell(Interrupted(at=AT, reason=reason))

    def retried_by_hand(self) -> Self:
        return self.tell(RetriedByHand(at=AT, **self.seen()))

    def skipped_by_hand(self, reason: str) -> Self:
        return self.tell(SkippedByHand(at=AT, reason=reason, **self.seen()))

    def _sent(self, command: str) -> Send:
        return next(send for send in reversed(self.sent) if command in ("", send.type))

    def _reply(self, send: Send, status: str, reason: str, result: Mapping[str, Any] | None) -> Self:
        # A fence is answered with the reply of the forward action it asks about.
        action = "forward" if send.action == "fence" else send.action
        given = PRICE if result is None and send.type == "ReserveSeats" and status == "succeeded" else result or {}
        return self.tell(Replied(at=AT, step=send.step, action=action, status=status, reason=reason, result=given))


def reserved() -> Conversation:
    return Conversation().expect("ReserveSeats").succeeded()


def paid() -> Conversation:
    return reserved().expect("TakePayment").succeeded()


def issued() -> Conversation:
    return paid().expect("IssueTickets").succeeded()
