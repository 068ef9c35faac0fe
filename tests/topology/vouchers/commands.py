"""Voucher's side of the sagas."""

from collections.abc import Sequence

from faults import Plan
from messaging.inbox.declarations import Event, Forward, Outcome, Request
from messaging.inbox.service import participant
from tests.topology.vouchers.contract import GrantVoucher, VoucherGranted
from tests.topology.vouchers.models import Barrier, DeadLetter, Outbox, Voucher


def grant(requests: Sequence[Request], plan: Plan) -> list[Outcome]:
    outcomes = []
    for request in requests:
        if request.refusal:
            outcomes.append(Outcome.refused(request.refusal))
            continue
        made = Voucher.objects.create(booking_id=request.command.booking_id, worth=request.command.worth)
        told = VoucherGranted(booking_id=request.command.booking_id, worth=made.worth)
        outcomes.append(Outcome(events=(Event.of(told, told.booking_id, made.version),)))
    return outcomes


service = participant(
    "vouchers", outbox=Outbox, barrier=Barrier, dead_letter=DeadLetter, commands=(Forward(GrantVoucher, grant),)
)

handle, validate = service.handle, service.validate
