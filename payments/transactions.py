"""Payment's local transactions: a fixed number of SQL statements for a batch, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from messaging.database import Database
from payments.contract import (
    PaymentCompleted,
    PaymentDeclined,
    PaymentRefunded,
    PaymentState,
    PaymentStatus,
    RefundState,
    TakePayment,
)


@dataclass(frozen=True, slots=True)
class PaymentChange:
    """A payment as this transaction leaves it, and its version."""

    state: PaymentState
    version: int


_DECLINES = "select token, declines_with from payments_paymentmethod where token = any(%s)"

_RECORD = """
    insert into payments_payment (booking_id, customer_id, amount, currency, method_id, status, reason, version)
    select booking_id, customer_id, amount, currency, payment_method, status, reason, 1
    from jsonb_to_recordset(%s::jsonb) as taken (
        booking_id uuid, customer_id bigint, amount bigint, currency text, payment_method text, status text, reason text)
    returning booking_id::text, id::text, version
"""

_REFUND = """
    with completed as (
        select id from payments_payment where booking_id = any(%s::uuid[]) and status = 'COMPLETED'
        order by id for no key update
    )
    update payments_payment payment set status = 'REFUNDED', version = payment.version + 1
    from completed where payment.id = completed.id
    returning payment.id::text, payment.booking_id::text, payment.customer_id, payment.amount, payment.currency,
              payment.version
"""
_RECORD_REFUNDS = """
    insert into payments_refund (payment_id, amount)
    select payment_id, amount from unnest(%s::uuid[], %s::bigint[]) as refunded (payment_id, amount)
    returning payment_id::text, id::text
"""


def take(db: Database, commands: Sequence[TakePayment], refusals: Sequence[str]) -> list[PaymentChange]:
    """Record a payment for each command, COMPLETED or DECLINED. Two statements.

    `refusals`: for each command the reason it must be declined with, or "" to let its payment method decide.
    """
    if not commands:
        return []
    declines = dict(db.rows(_DECLINES, [sorted({command.payment_method for command in commands})]))
    reasons = [refusal or declines[command.payment_method] for command, refusal in zip(commands, refusals, strict=True)]
    records = [_record(command, reason) for command, reason in zip(commands, reasons, strict=True)]
    stored = {booking: (pk, version) for booking, pk, version in db.rows(_RECORD, [orjson.dumps(records).decode()])}
    return [
        _taken(command, reason, *stored[command.booking_id]) for command, reason in zip(commands, reasons, strict=True)
    ]


def refund(db: Database, bookings: Sequence[str]) -> list[PaymentChange | None]:
    """Return what was taken for each booking; None where no money is held. Two statements."""
    if not bookings:
        return []
    payments = db.rows(_REFUND, [list(bookings)])
    amounts = [row[0] for row in payments], [row[3] for row in payments]
    refunds = dict(db.rows(_RECORD_REFUNDS, list(amounts)))
    changes = {}
    for pk, booking, customer, amount, currency, version in payments:
        state = PaymentRefunded(
            id=pk,
            booking_id=booking,
            customer_id=customer,
            amount=amount,
            currency=currency,
            status=PaymentStatus.REFUNDED,
            reason="",
            refund=RefundState(id=refunds[pk], amount=amount),
        )
        changes[booking] = PaymentChange(state, version)
    return [changes.get(booking) for booking in bookings]


def _record(command: TakePayment, reason: str) -> dict[str, Any]:
    return {**command.model_dump(), "status": _status(reason), "reason": reason}


def _status(reason: str) -> PaymentStatus:
    return PaymentStatus.DECLINED if reason else PaymentStatus.COMPLETED


def _taken(command: TakePayment, reason: str, pk: str, version: int) -> PaymentChange:
    event = PaymentDeclined if reason else PaymentCompleted
    state = event(
        id=pk,
        booking_id=command.booking_id,
        customer_id=command.customer_id,
        amount=command.amount,
        currency=command.currency,
        status=_status(reason),
        reason=reason,
        refund=None,
    )
    return PaymentChange(state, version)
