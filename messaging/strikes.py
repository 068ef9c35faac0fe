"""Lets a fault strike: claim it, report it, act on it. Its entry in the journal is the proof that it struck."""

from collections.abc import Mapping
from typing import Any

import faults
from faults import Fault, Plan, Point, Target
from messaging.observe import observe

Envelope = Mapping[str, Any]
NOBODY: Envelope = {}


def strike(plan: Plan, point: Point, envelope: Envelope = NOBODY, alive: faults.Alive = lambda: True) -> None:
    """Let the first armed fault that fits strike: error, crash, delay, hold, pause or hang. Usually does nothing.
    `alive()` is called while it holds the process; False ends that. Raises InjectedError, RedisError.
    """
    fault = claim(plan, point, envelope)
    if fault is not None:
        perform(plan, fault, envelope, alive)


def perform(plan: Plan, fault: Fault, envelope: Envelope, alive: faults.Alive = lambda: True) -> None:
    """Act as a claimed fault says, and report when what stood still resumes."""
    ended = faults.act(fault, plan.redis, plan.program or plan.service, Target.of(envelope), alive)
    if ended:
        report(plan, fault, envelope, ended)


def claim(plan: Plan, point: Point, envelope: Envelope = NOBODY) -> Fault | None:
    """The fault that strikes here, claimed and reported, for a call site that acts itself; None almost always."""
    if not plan.armed:
        return None
    fault = plan.strike(point, Target.of(envelope))
    if fault is not None:
        because = f" '{fault.reason}'" if fault.reason else ""
        report(plan, fault, envelope, f"{fault.action}{because} at {point}")
    return fault


def report(plan: Plan, fault: Fault, envelope: Envelope, text: str) -> None:
    """Report a strike to the journal. `data` names the fault, and the number of the strike."""
    what = envelope.get("type") or plan.program
    observe(
        plan.redis,
        plan.service,
        "fault",
        f"{text}: {what}" if what else text,
        booking=str(envelope.get("correlationid", "")),
        message_id=str(envelope.get("id", "")),
        data={
            "fault": fault.id,
            "point": fault.point,
            "action": fault.action,
            "fired": fault.fired,
            "who": fault.who,
            "process": plan.program,
        },
    )
