"""The ready-made faults of the front page: each strikes once, at the next booking of the visitor who armed it.
Otherwise a booking that is still under way could trigger the fault that was meant for the next one.
"""

from collections.abc import Callable

from faults.fault import Fault
from faults.messages import taker
from faults.points import Action, Point


def card_declined(booking: str = "", visitor: str = "") -> Fault:
    return Fault(
        point=Point.ANSWER,
        action=Action.REFUSE,
        service=taker("TakePayment"),
        message="TakePayment",
        reason="card_declined",
        name="card_declined",
        booking=booking,
        visitor=visitor,
        only_new=True,
    )


def printer_refuses(booking: str = "", visitor: str = "") -> Fault:
    return Fault(
        point=Point.ANSWER,
        action=Action.REFUSE,
        service=taker("IssueTickets"),
        message="IssueTickets",
        reason="printer_refused",
        name="printer_refuses",
        booking=booking,
        visitor=visitor,
        only_new=True,
    )


def acknowledgement_lost(booking: str = "", visitor: str = "") -> Fault:
    return Fault(
        point=Point.RELAY_BEFORE_PUBLISH,
        action=Action.DROP,
        service=taker("TakePayment"),
        message="TakePaymentReply",
        name="acknowledgement_lost",
        booking=booking,
        visitor=visitor,
        only_new=True,
    )


TOGGLES: dict[str, Callable[..., Fault]] = {
    "card_declined": card_declined,
    "printer_refuses": printer_refuses,
    "acknowledgement_lost": acknowledgement_lost,
}
LABELS = {
    "card_declined": "Card declined",
    "printer_refuses": "Printer refuses the ticket",
    "acknowledgement_lost": "Acknowledgement lost after the payment's commit",
}
