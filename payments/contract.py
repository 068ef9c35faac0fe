"""What crosses Payment's boundary: the commands it takes and the events it publishes. Message types, nothing else."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from messaging.message import Amount, Body, Command, Currency, Event, Id


class PaymentMethod(StrEnum):
    """Test tokens, as payment providers issue them: the token determines how the card behaves."""

    VISA = "tok_visa"
    DECLINED = "tok_declined"
    INSUFFICIENT_FUNDS = "tok_insufficient_funds"


class PaymentStatus(StrEnum):
    COMPLETED = "COMPLETED"
    DECLINED = "DECLINED"
    REFUNDED = "REFUNDED"


class Refusal(StrEnum):
    """Why money is not taken."""

    CARD_DECLINED = "card_declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"


class TakePayment(Command):
    """Take `amount` (minor units) for a booking, once. Refused: card_declined, insufficient_funds."""

    refusals: ClassVar[tuple[str, ...]] = (Refusal.CARD_DECLINED, Refusal.INSUFFICIENT_FUNDS)

    booking_id: Id
    customer_id: int
    amount: Amount
    currency: Currency
    payment_method: Annotated[PaymentMethod, Field(strict=False)]


class RefundPayment(Command):
    """Compensates TakePayment; also a step of a cancellation: give back what was taken for the booking."""

    booking_id: Id


class RefundState(Body):
    id: Id
    amount: Amount


class PaymentState(Body):
    """The full state of a booking's payment. Subject: the payment's id."""

    id: Id
    booking_id: Id
    customer_id: int
    amount: Amount
    currency: Currency
    status: Annotated[PaymentStatus, Field(strict=False)]
    reason: str
    refund: RefundState | None


class PaymentCompleted(PaymentState, Event):
    """The money is taken."""


class PaymentDeclined(PaymentState, Event):
    """The card was declined; `reason` is why."""


class PaymentRefunded(PaymentState, Event):
    """COMPLETED -> REFUNDED, the whole amount."""
