"""Plays what one safety mechanism is there for, and has the auditor judge it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from faults import Mechanism
from proofs.house import NotInTime
from proofs.safeties.ground import Ground
from proofs.safeties.plays import PLAYS, Play

NAMED_S = 30.0  # for the auditor to name a breach
Show = Callable[[dict[str, Any]], None]


def play(ground: Ground, mechanism: Mechanism, show: Show) -> dict[str, Any]:
    """{"mechanism", "on", "said", "outcome", "invariant", "title", "bookings", "ended_at"}; `show` gets it as it stands after
    each step. `outcome`: "" while it plays, broke, held, or none: it is off, and nothing has broken this time.

    Raises NotInTime, LookupError, psycopg.Error, redis.RedisError.
    """
    chosen = PLAYS[mechanism]
    on = bool(ground.house.switches()[mechanism])
    found: dict[str, Any] = {
        "mechanism": str(mechanism), "on": on, "said": "", "outcome": "", "invariant": chosen.invariant, "title": "",
        "bookings": [], "ended_at": "",
    }  # fmt: skip

    def say(words: str) -> None:
        found["said"] = words
        show(found)

    ground = replace(ground, say=say)
    count = _judged(ground, chosen)["count"]
    found["bookings"] = chosen.perform(ground)
    say("the auditor reads everything")
    judged = _judged(ground, chosen)

    def named() -> bool:
        nonlocal judged
        judged = _judged(ground, chosen)
        mine = any(set(found["bookings"]) & set(piece["bookings"]) for piece in judged["evidence"])
        return bool(judged["status"] == "violated" and (mine or judged["count"] > count))

    def settled() -> bool:
        return named() or judged["status"] != "pending"

    try:
        ground.until(settled if on else named, "the auditor's verdict", NAMED_S)
        found["outcome"] = "broke" if named() else "held"
    except NotInTime:
        found["outcome"] = "none"
    found["title"] = judged["title"]
    found["ended_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    say("")
    return found


def _judged(ground: Ground, chosen: Play) -> dict[str, Any]:
    """The invariant, after everything has been read."""
    verdict = ground.until(ground.house.verdict, "a verdict", NAMED_S)
    return next(one for one in verdict["invariants"] if one["name"] == chosen.invariant)
