"""Outages: faults that the control process carries out, because no service may."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from redis import Redis, RedisError

from control.state import Record
from faults import BY_CONTROL, Action, Fault, FaultError, Kind, Point
from topology.processes import HOUSE

USUAL_S = {Point.DATABASE: 20.0, Point.REDIS: 1.0}


class Stopped(RuntimeError):
    """The database to take down is on demand, and does not run; the text says what to start."""


def check_outage(fault: Fault, works: Callable[[str], bool]) -> None:
    """Raise FaultError for a scope or trigger that makes no sense for a server: it is down for every client, and for
    some time. Raise Stopped for a database whose instance does not run. `works`: whether an instance is to run."""
    if fault.trigger.kind not in (Kind.ONCE, Kind.ALWAYS) or fault.trigger.after:
        raise FaultError("an outage begins immediately: the trigger is once (for `seconds`) or always (until cleared)")
    named = [name for name in ("message", "step", "direction", "booking", "seat") if getattr(fault, name)]
    named += ["customer"] if fault.customer is not None else []
    named += ["new booking"] if fault.only_new else []
    named += ["visitor's next booking"] if fault.visitor else []
    if named:
        raise FaultError(f"a server is down for all bookings; it cannot be down for one {named[0]}")
    if fault.point == Point.DATABASE and not works(HOUSE.database_of(fault.service).instance):
        raise Stopped(f"the database of {fault.service} is on demand, and stopped; start {fault.service} first")


def length(fault: Fault) -> float:
    """How long it lasts, in seconds. An outage until cleared lasts at most until the fault expires."""
    if fault.trigger.kind is Kind.ALWAYS:
        return 24 * 3600.0
    return fault.seconds or USUAL_S[fault.point]


def move(records: Iterable[Record], now: datetime) -> tuple[list[Fault], list[Fault]]:
    """Claim the outages that are due, and end those that are over; returns both. The caller acts on them."""
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
    """Redis loses all its data and ends; its supervisor starts it again. Called repeatedly while it has to be down."""
    with contextlib.suppress(RedisError):
        redis.flushall()  # with the append-only file, or the data would be loaded again
        redis.shutdown(nosave=True)
