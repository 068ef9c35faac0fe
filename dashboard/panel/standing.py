"""What a fault holds of a booking now: which fault a person resumes, and how long it still stands. From the control process."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from faults import Point
from gateway.clients import ServiceDown
from gateway.faults_api import armed
from gateway.people.privacy import viewer
from serving.problems import Problem

OF_A_VIEW = (Point.PROJECTOR_BEFORE, Point.PROJECTOR_COMMITTED)


@dataclass(frozen=True)
class Standing:
    """`left_s` of `whole_s` seconds until it resumes by itself. `mine`: whether the viewer may resume it."""

    fault: str
    left_s: float
    whole_s: float
    mine: bool


def standing(booking: str, *, view: bool = False) -> Standing | None:
    """What holds this booking, or with `view` a view; None if nothing does, or if the control process does not answer."""
    try:
        plan = armed()
    except (ServiceDown, Problem):
        return None
    for fault in plan:
        for held in fault["held"]:
            if held["point"] in OF_A_VIEW if view else held["booking"] == booking:
                return _standing(fault, held, datetime.now(UTC))
    return None


def _standing(fault: dict[str, Any], held: dict[str, Any], now: datetime) -> Standing:
    since, until = (datetime.fromisoformat(held[end]) for end in ("since", "until"))
    looking = viewer()
    mine = looking.operator or fault["who"] == f"visitor {looking.visitor}"
    return Standing(fault["id"], max((until - now).total_seconds(), 0.0), (until - since).total_seconds(), mine)
