"""Voucher's side of the sagas."""

from messaging.inbox.declarations import Batch, Event, Forward, Outcome
from messaging.inbox.service import participant
from tests.topology.vouchers.contract import GrantVoucher, VoucherGranted
from tests.topology.vouchers.models import Barrier, DeadLetter, Outbox

_GRANT = (
    "insert into vouchers_voucher (booking_id, worth, version) values (%s, %s, 1) returning booking_id::text, worth"
)


def grant(batch: Batch) -> list[Outcome]:
    outcomes = []
    for request in batch.requests:
        if request.refusal:
            outcomes.append(Outcome.refused(request.refusal))
            continue
        ((booking, worth),) = batch.db.rows(_GRANT, [request.command.booking_id, request.command.worth])
        told = VoucherGranted(booking_id=booking, worth=worth)
        outcomes.append(Outcome(events=(Event.of(told, told.booking_id, 1),)))
    return outcomes


service = participant(
    "vouchers", outbox=Outbox, barrier=Barrier, dead_letter=DeadLetter, commands=(Forward(GrantVoucher, grant),)
)

handle, validate, rehearse = service.handle, service.validate, service.rehearse
