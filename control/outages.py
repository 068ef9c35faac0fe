"""What an outage is: a fault that the control process performs, because no service may."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from redis import Redis, RedisError

from control.state import Record
from faults import BY_CONTROL, Action, Fault, FaultError, Kind, Point

USUAL_S = {Point.DATABASE: 20.0, Point.REDIS: 1.0}


def check_outage(fault: Fault) -> None:
    """Raise FaultError for what cannot be said of a server: it is down for everybody, and for a stretch of time."""
    if fault.trigger.kind not in (Kind.ONCE, Kind.ALWAYS) or fault.trigger.after:
        raise FaultError("an outage happens at once: the trigger is once (for `seconds`) or always (until cleared)")
    named = [name for name in ("message", "step", "direction", "booking", "seat") if getattr(fault, name)]
    named += ["customer"] if fault.customer is not None else []
    named += ["new booking"] if fault.only_new else []
    named += ["visitor's next booking"] if fault.visitor else []
    if named:
        raise FaultError(f"a server is down for everybody; it cannot be so for one {named[0]}")


def length(fault: Fault) -> float:
    """How long it lasts, in seconds. Until cleared means until the fault expires, at the latest."""
    if fault.trigger.kind is Kind.ALWAYS:
        return 24 * 3600.0
    return fault.seconds or USUAL_S[fault.point]


def move(records: Iterable[Record], now: datetime) -> tuple[list[Fault], list[Fault]]:
    """Claim the outages that are due, and end those that are over; returns both. Acting on it is the caller's."""
    begun, ended = [], []
    moment = now.isoformat(timespec="microseconds")
    for record in records:
        fault = record.fault
        if record.until and record.until <= moment:
            record.until = ""
            ended.append(fault)
        elif (fault.point, fault.action) in BY_CONTROL and fault.live and not record.until:
            record.fault = replace(fault, fired=1, passes=1, last_fired=moment)
            end = (now + timedelta(seconds=length(fault))).isoformat(timespec="microseconds")
            record.until = min(end, fault.expires_at)
            begun.append(record.fault)
    return begun, ended


def down(records: Iterable[Record], point: Point) -> set[str]:
    """The services whose outage at this point lasts."""
    return {record.fault.service for record in records if record.until and record.fault.point == point}


def outage(fault: Fault) -> str:
    return "Redis down, its data lost" if fault.point == Point.REDIS else f"database {fault.service} down"


def described(fault: Fault) -> str:
    """A fault in a few words: `crash at transaction.inside of payments (TakePayment)`."""
    place = f" of {fault.service}" if fault.service else ""
    message = f" ({fault.message})" if fault.message else ""
    return f"{Action(fault.action)} at {Point(fault.point)}{place}{message}"


def lose_everything(redis: Redis) -> None:
    """Redis forgets all it has and ends; its supervisor starts it again. Called for as long as it is to be down."""
    with contextlib.suppress(RedisError):
        redis.flushall()  # with the append-only file, or it would all be there again
        redis.shutdown(nosave=True)
