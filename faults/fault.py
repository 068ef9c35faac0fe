"""A fault as a value: its action, point, scope and trigger. Checked when it is created."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from faults.checks import FaultError, iso, moment, number, one_of, text, whole
from faults.points import ALLOWED, AT, SANDBOX, VIEWS, Action, Point
from faults.target import Target
from faults.trigger import Trigger, trigger_of

LONGEST_S = 300.0
HOLD_S = 120.0  # a hold resumes by itself then
HANG_S = 60.0  # a hang without a chosen length
EXPIRES_AFTER = timedelta(hours=1)
HOUSE_EXPIRES_AFTER = timedelta(seconds=60)
DIRECTIONS = ("", "forward", "compensation", "fence")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault, armed or spent. Empty scope fields mean "any"; all given ones must match. Times are ISO 8601, UTC.
    Raises FaultError for anything that makes no sense.
    """

    point: Point
    action: Action
    service: str = ""  # a service, or one of its processes; see AT
    message: str = ""  # message type; at the point api: the HTTP method
    step: str = ""  # the saga step: the type of its forward command
    direction: str = ""  # forward, compensation or fence
    booking: str = ""
    seat: str = ""
    customer: int | None = None
    visitor: str = ""  # pseudonym: only the first booking that this visitor places after it was armed
    only_new: bool = False  # excludes bookings that were placed before it was armed
    trigger: Trigger = field(default_factory=Trigger)
    reason: str = ""  # the reason of a refusal
    seconds: float = 0.0  # length of a delay; bound of a hold, hang, pause, down or reorder (0: the usual)
    name: str = ""  # label of the toggle that armed it
    who: str = ""  # who armed it
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    armed_at: str = field(default_factory=lambda: iso(datetime.now(UTC)))
    expires_at: str = ""  # by default an hour after arming (for the sandbox's own programs a minute)
    passes: int = 0
    fired: int = 0
    last_fired: str = ""
    last_booking: str = ""
    cleared_at: str = ""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "point", one_of(Point, self.point, "point"))
        put(self, "action", one_of(Action, self.action, "action"))
        if isinstance(self.trigger, Mapping):
            put(self, "trigger", trigger_of(self.trigger))
        elif not isinstance(self.trigger, Trigger):
            raise FaultError("trigger is an object with a kind")
        put(self, "armed_at", moment(self.armed_at, "armed_at"))
        after = HOUSE_EXPIRES_AFTER if self.on_the_house else EXPIRES_AFTER
        try:
            expires = self.expires_at or iso(datetime.fromisoformat(self.armed_at) + after)
        except OverflowError:
            raise FaultError(f"armed_at leaves no time to expire: {self.armed_at}") from None
        put(self, "expires_at", moment(expires, "expires_at"))
        for name in (
            "message",
            "step",
            "booking",
            "seat",
            "reason",
            "name",
            "who",
            "id",
            "visitor",
            "last_fired",
            "last_booking",
            "cleared_at",
        ):
            text(getattr(self, name), name)
        if self.customer is not None:
            whole(self.customer, "customer", 0, 2**53)
        whole(self.passes, "passes", 0, 2**53)
        whole(self.fired, "fired", 0, 2**53)
        if not isinstance(self.only_new, bool):
            raise FaultError(f"only_new is true or false, not {self.only_new!r}")
        _check_action(self)
        _check_place(self)

    @property
    def remaining(self) -> int | None:
        """How often it may still strike; None: no limit."""
        limit = self.trigger.limit
        return None if limit is None else max(limit - self.fired, 0)

    @property
    def state(self) -> str:
        """armed (has not struck yet), fired (has, and may again), exhausted, expired or cleared."""
        if self.cleared_at:
            return "cleared"
        if self.remaining == 0:
            return "exhausted"
        if self.expires_at <= iso(datetime.now(UTC)):
            return "expired"
        return "fired" if self.fired else "armed"

    @property
    def live(self) -> bool:
        return self.state in ("armed", "fired")

    @property
    def personal(self) -> bool:
        """Whether it is meant for a seat, a customer or a visitor, which few messages name."""
        return bool(self.seat or self.visitor) or self.customer is not None

    @property
    def on_the_house(self) -> bool:
        """Whether it strikes a part that the sandbox itself needs: its own programs, Redis, the instance of views and
        journal."""
        return (
            (self.point == Point.PROCESS and self.service in SANDBOX)
            or self.point == Point.REDIS
            or (self.point == Point.DATABASE and self.service in VIEWS)
        )

    def names(self, target: Target) -> bool:
        """Whether the message itself carries the seat and the customer the fault is meant for."""
        return (not self.seat or self.seat in target.seats) and self.customer in (None, target.customer)

    def begins_with(self, target: Target, known: Collection[str]) -> bool:
        """Whether this message announces a booking that the fault is meant for, and that is new to it. Of a visitor's
        bookings that is the first one placed after the fault was armed, and no other.
        """
        if self.visitor and (known or self._came_before(target.booking)):
            return False
        return self.visitor in ("", target.visitor) and self.names(target)

    def aims_at(self, target: Target, known: Collection[str] = ()) -> bool:
        """Whether the message matches the fault's scope, whatever its point and trigger.

        `known`: bookings of the fault's seat and customer, for messages that carry neither.
        """
        return (
            self.message in ("", target.message)
            and self.step in ("", target.step)
            and self.direction in ("", target.direction)
            and self.booking in ("", target.booking)
            and not (self.only_new and self._came_before(target.booking))
            and (target.booking in known or (not self.visitor and self.names(target)))
        )

    def _came_before(self, booking: str) -> bool:
        """Whether a booking was placed before this was armed, by its id (a UUIDv7 begins with milliseconds since 1970)."""
        try:
            placed = uuid.UUID(booking)
        except ValueError:
            return False
        armed_ms = int(datetime.fromisoformat(self.armed_at).timestamp() * 1000)
        return placed.version == 7 and placed.int >> 80 < armed_ms

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with `state` and `remaining`."""
        return {**asdict(self), "state": self.state, "remaining": self.remaining}


def load(raw: bytes | str) -> Fault:
    """A fault from the plan. Raises any exception for a value that this version cannot read as a fault: see plan.read."""
    return Fault(**json.loads(raw))


def dump(fault: Fault) -> str:
    return json.dumps(asdict(fault))


def _check_action(fault: Fault) -> None:
    allowed = ALLOWED[fault.point]
    if fault.action not in allowed:
        names = ", ".join(sorted(allowed))
        raise FaultError(f"action '{fault.action}' makes no sense at '{fault.point}'; allowed there: {names}")
    number(fault.seconds, "seconds", 0, LONGEST_S)
    if fault.action == Action.DELAY and not fault.seconds:
        raise FaultError(f"a delay needs seconds: more than 0, at most {LONGEST_S:g}")
    if fault.action == Action.HOLD and fault.seconds > HOLD_S:
        raise FaultError(f"a hold resumes by itself after {HOLD_S:g} seconds at most, not {fault.seconds:g}")


def _check_place(fault: Fault) -> None:
    places = AT[fault.point]
    if fault.service not in ("", *places):
        raise FaultError(f"nothing of '{fault.service}' passes '{fault.point}'; service may be {', '.join(places)}")
    if not fault.service and fault.point in (Point.PROCESS, Point.API, Point.DATABASE):
        raise FaultError(f"a fault at '{fault.point}' names its service: {', '.join(places)}")
    if fault.direction not in DIRECTIONS:
        raise FaultError(f"no direction '{fault.direction}'; there are forward, compensation, fence, or '' for any")
