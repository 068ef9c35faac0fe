"""The ready-made faults of the front page: each strikes once, at the next booking of the visitor who armed it.
Otherwise a booking that is still under way could trigger the fault that was meant for the next one.
"""

from dataclasses import dataclass

from faults.fault import Fault
from faults.messages import taker
from faults.points import Action, Point


@dataclass(frozen=True, kw_only=True)
class Toggle:
    """`command`: whose taker is struck. `message`: what is struck there, if not the command itself."""

    name: str
    label: str
    point: Point
    action: Action
    command: str
    message: str = ""
    reason: str = ""

    def fault(self, visitor: str = "") -> Fault:
        """The fault, for the next new booking of this visitor; of anybody, if ""."""
        return Fault(
            point=self.point,
            action=self.action,
            service=taker(self.command),
            message=self.message or self.command,
            reason=self.reason,
            name=self.name,
            visitor=visitor,
            only_new=True,
        )


TOGGLES = {
    toggle.name: toggle
    for toggle in (
        Toggle(
            name="card_declined",
            label="Card declined",
            point=Point.ANSWER,
            action=Action.REFUSE,
            command="TakePayment",
            reason="card_declined",
        ),
        Toggle(
            name="printer_refuses",
            label="Printer refuses the ticket",
            point=Point.ANSWER,
            action=Action.REFUSE,
            command="IssueTickets",
            reason="printer_refused",
        ),
        Toggle(
            name="acknowledgement_lost",
            label="Acknowledgement lost after the payment's commit",
            point=Point.RELAY_BEFORE_PUBLISH,
            action=Action.DROP,
            command="TakePayment",
            message="TakePaymentReply",
        ),
    )
}
LABELS = {toggle.name: toggle.label for toggle in TOGGLES.values()}
