"""Asking the composer from the front door: an answer with its drawing, or why there is none, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.clients import ServiceDown, call
from lab.halls import READS
from lab.reads.topology import COMPOSER, RIG
from lab.waterfall import Span
from serving.problems import Problem
from topology.tuning import Seconds

ANSWER_S: Seconds = 60.0  # 201 calls, one by one, on a machine that is busy
ROWS = (1, 10, 50)
NETWORKS_MS = (0, 40)


@dataclass(frozen=True, slots=True)
class Answer:
    """`status`: 200, or 502 where a part is missing and the answer had to be whole; then `why` says which."""

    how: str
    status: int
    took_ms: float
    spans: list[Span]
    rows: list[dict[str, Any]] = field(default_factory=list)
    why: str = ""

    @property
    def missing(self) -> int:
        return sum(len(row["missing"]) for row in self.rows)


def composed(how: str, limit: int, **more: Any) -> httpx.Response:
    """The composer's answer as it is. `more`: its other parameters. Raises Problem 409 while the rig is closed; ServiceDown."""
    params = {"performance": READS.id, "how": how, "limit": limit, **more}
    return _asked("/api/composition", params=params, timeout=ANSWER_S)


def check_open() -> None:
    """Raises Problem 409 while the rig is closed; ServiceDown."""
    _asked("/healthz")


def _asked(path: str, **more: Any) -> httpx.Response:
    try:
        return call(COMPOSER.name, "GET", path, **more)
    except ServiceDown as error:
        if isinstance(error.__cause__, httpx.ConnectError):
            raise Problem(409, "The rig is closed", f"open the rig {RIG.name} first; nothing was asked") from error
        raise


def ask(how: str, limit: int, **more: Any) -> Answer:
    """Raises Problem for what the composer refuses, 409 while the rig is closed; ServiceDown."""
    answer = composed(how, limit, **more)
    found: Mapping[str, Any] = answer.json()
    if answer.is_success or found.get("type") == "incomplete":
        spans = [Span(**one) for one in found["spans"]]
        rows = list(found.get("rows", []))
        return Answer(how, answer.status_code, found["took_ms"], spans, rows, found.get("detail", ""))
    raise Problem(answer.status_code, found["title"], found.get("detail", ""), errors=found.get("errors", ()))
