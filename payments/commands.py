"""Payment's side of the sagas: what each command does, and at the bottom which commands there are."""

from messaging.inbox.declarations import Batch, Compensation, Event, Forward, Outcome, Retriable
from messaging.inbox.service import participant
from messaging.process.warm_up import NOBODY
from payments import transactions
from payments.contract import PaymentMethod, RefundPayment, TakePayment
from payments.models import Barrier, DeadLetter, Outbox


def take_payment(batch: Batch) -> list[Outcome]:
    """A declined payment is a fact too: it is recorded and published, whether the card or a fault declined it."""
    return [_taken(change) for change in transactions.take(batch.db, batch.commands, batch.refusals)]


def refund_payment(batch: Batch) -> list[Outcome]:
    return batch.bookings_unless_refused(transactions.refund, _refunded)


def _taken(change: transactions.PaymentChange) -> Outcome:
    if change.state.reason:
        return Outcome.refused(change.state.reason, _event(change))
    return Outcome(result={"payment_id": change.state.id}, events=(_event(change),))


def _refunded(change: transactions.PaymentChange | None) -> Outcome:
    return Outcome(events=(_event(change),) if change else ())


def _event(change: transactions.PaymentChange) -> Event:
    return Event.of(change.state, change.state.id, change.version)


service = participant(
    "payments",
    outbox=Outbox,
    barrier=Barrier,
    dead_letter=DeadLetter,
    commands=(
        Forward(TakePayment, take_payment),
        Compensation(RefundPayment, refund_payment, of=TakePayment),
        Retriable(RefundPayment, refund_payment),
    ),
    rehearsal=(
        TakePayment(booking_id=NOBODY, customer_id=0, amount=0, currency="KRW", payment_method=PaymentMethod.VISA),
    ),
)

handle, validate, rehearse = service.handle, service.validate, service.rehearse
