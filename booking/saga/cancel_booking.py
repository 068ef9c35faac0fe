"""Cancelling a booking that is confirmed, on one screen. Its own saga: what has been confirmed is not undone, it is followed."""

from booking.saga.definition import Pivot, Retriable, SagaDefinition
from payments.contract import RefundPayment
from seats.contract import ReleaseSeats
from tickets.contract import FenceVoidTickets, VoidTickets

CANCEL_BOOKING = SagaDefinition(
    name="CancelBooking",
    given=("booking_id",),
    steps=(
        # First of all nobody gets in with these tickets; only then are the money and the seats given away.
        Pivot(service="tickets", forward=VoidTickets, fence=FenceVoidTickets, during="CANCELLING"),
        Retriable(service="payments", forward=RefundPayment, during="CANCELLING"),
        Retriable(service="seats", forward=ReleaseSeats, during="CANCELLING"),
    ),
    completed="CANCELLED",
    completed_reason="cancelled_by_customer",
    compensated="CONFIRMED",
    interruptible=False,
)
