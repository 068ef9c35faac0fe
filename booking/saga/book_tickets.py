"""The booking saga, on one screen."""

from booking.saga.definition import Compensatable, Pivot, Retriable, SagaDefinition
from payments.contract import RefundPayment, TakePayment
from seats.contract import ConfirmSeats, ReleaseSeats, ReserveSeats
from tickets.contract import FenceTickets, IssueTickets

BOOK_TICKETS = SagaDefinition(
    name="BookTickets",
    given=("booking_id", "customer_id", "performance_id", "seats", "payment_method"),
    steps=(
        Compensatable(
            service="seats",
            forward=ReserveSeats,
            compensation=ReleaseSeats,
            during="RESERVING",
            keeps=("amount", "currency"),
        ),
        Compensatable(service="payments", forward=TakePayment, compensation=RefundPayment, during="PAYING"),
        Pivot(service="tickets", forward=IssueTickets, fence=FenceTickets, during="ISSUING"),
        Retriable(service="seats", forward=ConfirmSeats, during="CONFIRMING"),
    ),
    completed="CONFIRMED",
    compensated="CANCELLED",
)
