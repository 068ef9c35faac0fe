"""Requests for a fault: which fields a request may have, and what is refused although a plan could hold it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from faults.checks import FaultError
from faults.fault import EXPIRES_AFTER, HOUSE_EXPIRES_AFTER, Fault
from faults.messages import STEPS, messages
from faults.points import Action, Point
from faults.trigger import Kind

HOUSE_TIMES = 3  # strikes of one fault on the sandbox's own programs
OWN_TIMES = 3  # strikes of one fault that a visitor arms
OWN: dict[Point, frozenset[Action]] = {
    Point.TRANSACTION_BEFORE: frozenset({Action.ERROR}),
    Point.TRANSACTION_INSIDE: frozenset({Action.ERROR}),
    Point.ANSWER: frozenset({Action.REFUSE}),
    Point.ORCHESTRATOR_BEFORE: frozenset({Action.ERROR}),
    Point.ORCHESTRATOR_AFTER: frozenset({Action.ERROR}),
    Point.RELAY_BEFORE_PUBLISH: frozenset({Action.DROP, Action.DUPLICATE, Action.DELAY, Action.HOLD}),
    Point.BUS: frozenset({Action.DROP, Action.DUPLICATE, Action.DELAY, Action.REORDER}),
}
"""Actions that affect only the booking they strike. A crash, a hang or a pause stops a process that serves all
bookings, and so do a delay and a hold inside a worker; a relay only sets the one message aside."""
ASKED = (
    "point", "action", "service", "message", "step", "direction", "booking", "seat", "customer", "trigger", "reason",
    "seconds", "name", "expires_at", "only_new", "visitor",
)  # fmt: skip
"""The fields a request may have; the others are set by the plan."""


def parse(data: Mapping[str, Any], who: str = "") -> Fault:
    """A fault from JSON, as the API and the command line accept it: any field named in ASKED. Raises FaultError."""
    missing = [name for name in ("point", "action") if name not in data]
    if missing:
        raise FaultError(f"a fault needs {' and '.join(missing)}")
    unknown = sorted(set(data) - set(ASKED))
    if unknown:
        raise FaultError(f"a fault has no {', '.join(map(repr, unknown))} to choose; it has {', '.join(ASKED)}")
    fault = Fault(**data, who=who)
    if not fault.live:
        raise FaultError(f"expires_at is in the past: {fault.expires_at}")
    _check_scope(fault)
    check_house(fault)
    return fault


def check_house(fault: Fault) -> None:
    """Refuse faults that could lock everybody out. Raises FaultError. Not applied to a stored plan, which must stay
    readable."""
    if not fault.on_the_house:
        return
    place = fault.service or fault.point
    limit = fault.trigger.limit
    if limit is None or limit > HOUSE_TIMES:
        raise FaultError(
            f"a fault on '{place}' that strikes {_often(fault)} would lock you out; choose once, or at most {HOUSE_TIMES} times"
        )
    longest = HOUSE_EXPIRES_AFTER.total_seconds()
    lives = datetime.fromisoformat(fault.expires_at) - datetime.fromisoformat(fault.armed_at)
    if fault.seconds > longest or lives > HOUSE_EXPIRES_AFTER:
        raise FaultError(f"a fault on '{place}' would lock you out: it lasts {longest:g} seconds at most")


def check_own(fault: Fault, visitor: str) -> None:
    """Refuse faults that a visitor may not arm: those that could affect more than their next booking, or one booking of
    theirs.

    Whether the named booking is theirs is checked elsewhere: see gateway.people.ownership. Raises FaultError.
    """
    if not (fault.booking or (fault.visitor and fault.visitor == visitor)) or fault.visitor not in ("", visitor):
        raise FaultError("it is not for your next booking, and not for a booking of yours")
    if fault.action not in OWN.get(fault.point, frozenset()):
        raise FaultError(f"'{fault.action}' at '{fault.point}' touches more than one booking")
    if fault.trigger.kind not in (Kind.ONCE, Kind.TIMES) or (fault.trigger.limit or 0) > OWN_TIMES:
        raise FaultError(f"it strikes {_often(fault)}, and yours strike once, or at most {OWN_TIMES} times")
    if datetime.fromisoformat(fault.expires_at) - datetime.fromisoformat(fault.armed_at) > EXPIRES_AFTER:
        raise FaultError("it stays armed for more than an hour")


def _often(fault: Fault) -> str:
    words = {Kind.PROBABILITY: "with a probability", Kind.ALWAYS: "until cleared"}
    return words.get(fault.trigger.kind) or f"{fault.trigger.limit} times"


def _check_scope(fault: Fault) -> None:
    """Refuse faults that would never strike. Only for new requests: a stored plan must always be readable."""
    given = [name for name in ("step", "direction", "booking", "seat") if getattr(fault, name)]
    given += ["visitor's next booking"] if fault.visitor else []
    given += [name for name in ("customer", "only_new") if getattr(fault, name) not in (None, False)]
    if given and fault.point in (Point.API, Point.PROCESS, Point.REDIS):
        raise FaultError(f"a fault at '{fault.point}' strikes every request; it cannot be for one {given[0]}")
    passing = messages(fault.point, fault.service)
    if fault.message and fault.message not in passing:
        place = f"'{fault.point}' of {fault.service}" if fault.service else f"'{fault.point}'"
        there = f"there are {', '.join(passing)}" if passing else "no message does"
        raise FaultError(f"no '{fault.message}' passes {place}; {there}")
    if fault.step and fault.step not in STEPS:
        raise FaultError(f"no step is called '{fault.step}'; there are {', '.join(STEPS)}")
