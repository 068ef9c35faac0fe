"""Cancelling a booking that is confirmed, on one screen. A separate saga: it does not undo the confirmed booking, it
follows it."""

from booking.saga.definition import Pivot, Retriable, SagaDefinition
from payments.contract import RefundPayment
from seats.contract import ReleaseSeats
from tickets.contract import FenceVoidTickets, VoidTickets

CANCEL_BOOKING = SagaDefinition(
    name="CancelBooking",
    given=("booking_id",),
    steps=(
        # First the tickets become invalid; only then are the money and the seats returned.
        Pivot(service="tickets", forward=VoidTickets, fence=FenceVoidTickets, during="CANCELLING"),
        Retriable(service="payments", forward=RefundPayment, during="CANCELLING"),
        Retriable(service="seats", forward=ReleaseSeats, during="CANCELLING"),
    ),
    completed="CANCELLED",
    completed_reason="cancelled_by_customer",
    compensated="CONFIRMED",
    interruptible=False,
)
