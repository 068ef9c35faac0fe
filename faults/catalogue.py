"""Describes what can be armed where: for the page, the API's documentation and the command line."""

import re
from dataclasses import dataclass

from faults.messages import COMMANDS, STEPS, messages
from faults.points import ALLOWED, AT, BY_CONTROL, Action, Point
from topology.chosen import HOUSE
from topology.contract import contract


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A point in one sentence; the actions, services and messages that make sense there."""

    point: Point
    sentence: str
    actions: tuple[Action, ...]
    services: tuple[str, ...]
    messages: tuple[str, ...] = ()
    by_control: tuple[Action, ...] = ()  # actions the control process performs itself


_SENTENCES = {
    Point.TRANSACTION_BEFORE: "The message has arrived; its local transaction has not begun.",
    Point.TRANSACTION_INSIDE: "All rows of the local transaction are written; nothing is committed.",
    Point.TRANSACTION_COMMITTED: "The local transaction is committed; the broker does not have its messages yet.",
    Point.ANSWER: "The participant refuses for a business reason: card declined, seat taken, printer refuses; also "
    "a compensation.",
    Point.ORCHESTRATOR_BEFORE: "The orchestrator has the message and has decided nothing yet.",
    Point.ORCHESTRATOR_AFTER: "The saga's new state and its next commands are written; nothing is committed.",
    Point.RELAY_BEFORE_PUBLISH: "The message is in the sender's log; the broker does not have it yet.",
    Point.RELAY_AFTER_PUBLISH: "The broker has the message; the relay has not confirmed its log position.",
    Point.BUS: "The message is on its way: it may be lost, duplicated, late, or overtaken by the next one.",
    Point.PROJECTOR_BEFORE: "The projector has read events; no row of the view is written.",
    Point.PROJECTOR_COMMITTED: "The view's rows and checkpoint are committed; the projector has not continued.",
    Point.API: "A request has reached the service's API: it is refused with 503, or waits.",
    Point.DATABASE: "The service's database refuses every client, or a local transaction waits inside it.",
    Point.PROCESS: "A process is killed when it sends its next heartbeat, within about a second.",
    Point.REDIS: "Redis goes down and loses its unsaved data; it comes back by itself.",
}
REASONS = {
    command: reasons for service in HOUSE.participants for command, reasons in contract(service).refusals.items()
}
"""Command -> the reasons for which its service refuses it. A fault may give any other."""
_VERB = re.compile(r"[A-Z][a-z]*")


def reasons(service: str, message: str = "") -> list[str]:
    """The reasons that are offered for a refusal of this message, or of any message of the service.

    Of one that its service never refuses, a compensation or a retriable step, the reason is made of its name: refund_refused.
    """
    commands = [message] if message in STEPS else [one for one in COMMANDS.get(service, ()) if one in STEPS]
    return [reason for command in commands for reason in REASONS.get(command) or (_made_up(command),)]


def _made_up(command: str) -> str:
    verb = _VERB.match(command)
    return f"{(verb.group() if verb else command).lower()}_refused"


def catalogue() -> list[Entry]:
    """Every point, in the order a message passes them."""
    return [
        Entry(
            point=point,
            sentence=_SENTENCES[point],
            actions=tuple(sorted(ALLOWED[point])),
            services=AT[point],
            messages=messages(point),
            by_control=tuple(action for action in sorted(ALLOWED[point]) if (point, action) in BY_CONTROL),
        )
        for point in Point
    ]
