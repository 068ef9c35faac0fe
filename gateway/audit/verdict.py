"""The auditor's verdict, as the web process reads it: over the auditor's API, and nothing else of it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from django.conf import settings

from gateway.cached import Cached
from gateway.clients import ServiceDown, call
from serving.problems import Problem
from topology.tuning import Seconds

Document = dict[str, Any]
PACE_S: Seconds = 1.0  # how old an answer of the auditor's may be: many pages ask
SOON_S: Seconds = 2.0  # how long an answer of the auditor's may take
NOW_S: Seconds = 60.0  # the same for a reading of everything
OLD_S: Seconds = 10.0
"""The age from which on a verdict is said to be old: the auditor reads what has changed every two seconds."""


@dataclass(frozen=True)
class Known:
    """The last verdict that this process has seen, {} if none. `note`: what a reader has to know of it, in words.
    `settled`: holds or violated, as the last verdict that was not pending found; "" if there was none."""

    verdict: Document
    note: str = ""
    settled: str = ""


def now() -> Document:
    """The verdict of a reading of everything, which begins now. Raises ServiceDown, Problem."""
    answer = _ask({"now": "1"}, NOW_S)
    verdict: Document = answer["verdict"]
    return verdict


def latest(*, checked: bool = False) -> Known:
    """The auditor's last verdict, at once. While it is away the one before, with a note that says so.

    `checked`: everything is read before; that is waited for.
    """
    if checked:
        with suppress(ServiceDown, Problem):  # the look that follows says what is wrong
            now()
        LATEST.forget()
    return LATEST.get()


def _look() -> Known:
    before = LATEST.last()
    try:
        answer = _ask({}, SOON_S)
    except (ServiceDown, Problem):
        return Known(before.verdict, _away(before.verdict), before.settled)
    if answer["verdict"] is None:  # it has just started, and reads everything
        return Known(before.verdict, _starting(before.verdict), before.settled)
    found: Document = answer["verdict"]
    note = f"This verdict is of {_at(found)}: the auditor still reads." if answer["age_s"] > OLD_S else ""
    return Known(found, note, before.settled if found["status"] == "pending" else found["status"])


def _ask(params: dict[str, str], wait_s: float) -> Document:
    headers = {"Authorization": f"Bearer {settings.OPERATOR_TOKEN}"}
    timeout = httpx.Timeout(wait_s, connect=1.0)
    answer = call("auditor", "GET", "/audit/verdict", params=params, headers=headers, timeout=timeout)
    if not answer.is_success:
        problem = answer.json()
        raise Problem(answer.status_code, problem["title"], problem.get("detail", ""))
    found: Document = answer.json()
    return found


def _away(verdict: Document) -> str:
    if not verdict:
        return "The auditor does not answer: nobody knows whether the invariants hold."
    return f"The auditor does not answer. This is its verdict of {_at(verdict)}, and may no longer be true."


def _starting(verdict: Document) -> str:
    return f"The auditor has just started. This is its verdict of {_at(verdict)}." if verdict else ""


def _at(verdict: Document) -> str:
    return f"{datetime.fromisoformat(verdict['at']):%H:%M:%S} UTC"


LATEST = Cached[Known](_look, PACE_S, Known({}))
