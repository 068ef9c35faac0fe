"""The auditor, as the web process asks it: with the read models it may SELECT, and the journal to point at what broke what."""

import threading
import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from audit import reader
from audit.truth import Views
from journal import blame, queries
from projections import snapshot

Document = dict[str, Any]
PACE_S = 2.0
SHARE = 10  # a page's refresh may cost at most one part in so many of the time


def fresh() -> Document:
    """Read and judge now. {"at", "took_ms", "status", "bookings", "unavailable", "invariants"}, see audit.verdict.

    Each piece of evidence has `pos` and `url`: the journal's entry that broke it, if it is found, and the page showing it.
    """
    began, at = time.monotonic(), timezone.now()
    document = reader.verdict(settings.API_URLS, _views).as_dict()
    evidence = [piece for one in document["invariants"] for piece in (*one["evidence"], *one["waived"])]
    _point_at_entries(evidence)
    return {"at": at.isoformat(), "took_ms": round((time.monotonic() - began) * 1000), **document}


def _views() -> Views:
    try:
        shown = snapshot.read()
    except (DatabaseError, InterfaceError) as error:
        raise reader.SilentError(f"the read models' database does not answer: {type(error).__name__}") from error
    return Views(**vars(shown))


def _point_at_entries(evidence: Iterable[Document]) -> None:
    concerned = [(_question(piece), piece) for piece in evidence if piece.get("booking")]
    try:
        found = {question: blame.last_change(*question) for question in {question for question, _ in concerned}}
    except (DatabaseError, InterfaceError):  # the verdict stands without the journal
        found = {}
    for question, piece in concerned:
        entry = found.get(question)
        piece["pos"] = entry.pos if entry else None
        piece["url"] = f"/?booking={entry.booking}&pos={entry.pos}" if entry else f"/?booking={piece['booking']}"


def _question(piece: Document) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The bookings and the tables whose newest entry is asked for."""
    return tuple(piece.get("bookings") or [piece["booking"]]), tuple(piece.get("tables", ()))


class Watch:
    """The verdict for the pages: one at a time however many ask, and never oftener than it can be afforded.

    While the journal has nothing new, a verdict that is not pending stands.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Document = {"status": "pending"}
        self._pos = 0
        self._good_until = 0.0

    def latest(self) -> Document:
        """A verdict at most PACE_S old, or older if it takes longer to make."""
        with self._lock:
            began = time.monotonic()
            if began >= self._good_until:
                pos = _journal_end()
                if pos != self._pos or self._last["status"] == "pending":
                    self._last, self._pos = fresh(), pos
                self._good_until = time.monotonic() + max(PACE_S, SHARE * (time.monotonic() - began))
            return self._last


def _journal_end() -> int:
    """Position of the newest entry; another number each time while the journal is away."""
    try:
        return queries.last_pos()
    except (DatabaseError, InterfaceError):
        return -time.monotonic_ns()
