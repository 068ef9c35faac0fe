"""The list of runs for the page."""

from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

from gateway.people.operator import is_operator
from gateway.people.visitor import visitor
from journal.runs import runs

UNREADABLE = "a fault that cannot be read"


def listed(request: HttpRequest) -> dict[str, Any]:
    """Each with `may`, whether the viewer may change and export it, and `mine`."""
    operator = is_operator(request)
    try:
        mine = set() if operator else runs.owned(visitor(request))
        listed = [
            {**shown(one), "may": operator or one["id"] in mine, "mine": one["id"] in mine} for one in runs.listing()
        ]
        return {"runs": listed}
    except (OperationalError, InterfaceError):
        return {"runs": [], "away": True}


def shown(run: dict[str, Any]) -> dict[str, Any]:
    """With parsed times, and each fault in a word; values that an older version accepted must not break the list."""
    faults = [_words(one) for one in run["faults"]] if isinstance(run["faults"], list) else [UNREADABLE]
    began = datetime.fromisoformat(run["started_at"])
    ended = datetime.fromisoformat(run["ended_at"]) if run["ended_at"] else None
    return {**run, "began": began, "ended": ended, "fault_words": faults}


def _words(fault: Any) -> str:
    if not isinstance(fault, dict):
        return UNREADABLE
    words = (fault.get(name) for name in ("action", "point", "service"))
    return " ".join(word for word in words if isinstance(word, str) and word) or "a fault"
