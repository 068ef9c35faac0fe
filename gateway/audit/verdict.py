"""The auditor in the web process: it may SELECT from the read models, and uses the journal to find what broke an invariant."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from audit import reader
from audit.truth import Views
from gateway.audit.blame import blamed
from journal.reading import moments, queries
from journal.reading.row_origin import Blamed, newest
from messaging.observe import observe
from messaging.postgresql.bounded import patience
from messaging.process.on_demand import OnDemand
from messaging.process.redis import redis_of_requests
from projections import snapshot

log = logging.getLogger(__name__)

Document = dict[str, Any]
PACE_S = 2.0
SHARE = 20  # a page's refresh may cost at most one part in so many of the time
# And it is spread over a while: all at once it would keep both cores of a small machine from whatever else happens. After each
# part of it so many times as long is rested as that took, and so long at most, for all pages wait.
READING_S = 20.0  # a statement over all rows of the views, or of the journal about them
WAIT_S = 2.0  # for somebody else who is making one
PATIENCE, LONGEST_REST_S = 3.0, 0.2


def fresh(rest: reader.Rest | None = None) -> Document:
    """Read and judge now. {"at", "took_ms", "status", "bookings", "unavailable", "invariants"}, see audit.verdict.

    `rest`: see audit.reader.
    Each piece of evidence has `pos` and `url`: the journal's entry, if it is found, and the page showing it. Of what is violated
    it is the first entry since which it is broken; of what is pending or waived, the newest about it.
    """
    began, at = time.monotonic(), timezone.now()
    stopped = OnDemand(redis_of_requests()).stopped_apis()
    asked = {service: url for service, url in settings.API_URLS.items() if service not in stopped}
    document = reader.verdict(asked, _views, rest).as_dict()
    _point_at_entries(document["invariants"])
    return {"at": at.isoformat(), "took_ms": round((time.monotonic() - began) * 1000), **document}


def _views() -> Views:
    try:
        with patience(READING_S):
            shown = snapshot.read()
    except (DatabaseError, InterfaceError) as error:
        raise reader.SilentError(f"the read models' database does not answer: {type(error).__name__}") from error
    return Views(**vars(shown))


def _point_at_entries(invariants: Sequence[Document]) -> None:
    violated = [(one["name"], piece) for one in invariants for piece in one["evidence"] if one["status"] == "violated"]
    others = [piece for one in invariants if one["status"] != "violated" for piece in one["evidence"]]
    others += [piece for one in invariants for piece in one["waived"]]
    for piece in (*(piece for _, piece in violated), *others):
        _link(piece, None)
    try:  # the verdict stands without the journal
        with patience(READING_S):
            _point(violated, others)
    except (DatabaseError, InterfaceError):
        log.warning("the journal does not say which entries are to blame", exc_info=True)


def _point(violated: Sequence[tuple[str, Document]], others: Sequence[Document]) -> None:
    for (_, piece), entry in zip(violated, blamed(violated), strict=True):
        _link(piece, entry)
    concerned = [(piece, piece.get("bookings") or [piece["booking"]]) for piece in others if piece.get("booking")]
    found = newest({one for _, bookings in concerned for one in bookings})
    for piece, bookings in concerned:
        _link(piece, max((Blamed(found[one], one) for one in bookings if one in found), default=None))


def _link(piece: Document, entry: Blamed | None) -> None:
    booking = entry.booking if entry else piece.get("booking")
    address = {"booking": booking, "pos": entry.pos if entry else None}
    piece["pos"] = address["pos"]
    piece["url"] = f"/?{urlencode({name: value for name, value in address.items() if value})}" if booking else ""


class Watch:
    """The verdict for the pages: one at a time however many ask, and never oftener than it can be afforded.

    While the journal has nothing new, a verdict that is not pending stands; one that is violated, until the journal's index has
    come to its end and can say since when.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Document = {"status": "pending"}
        self._pos = (0, 0)
        self._good_until = self._rested_s = 0.0

    def latest(self) -> Document:
        """A verdict at most PACE_S old, or older if it takes longer to make. Nobody waits for it longer than WAIT_S."""
        if not self._lock.acquire(timeout=WAIT_S):
            return self._last
        try:
            began, self._rested_s = time.monotonic(), 0.0
            if began >= self._good_until:
                pos = _journal_end(indexed=self._last["status"] == "violated")
                if pos != self._pos or self._last["status"] == "pending":
                    before, self._last, self._pos = self._last, fresh(self._rest), pos
                    _tell_violations(before, self._last)
                worked = time.monotonic() - began - self._rested_s
                self._good_until = time.monotonic() + max(PACE_S, SHARE * worked)
            return self._last
        finally:
            self._lock.release()

    def _rest(self, took_s: float) -> None:
        pause = min(PATIENCE * took_s, LONGEST_REST_S)
        self._rested_s += pause
        time.sleep(pause)


def _tell_violations(before: Document, now: Document) -> None:
    """Mark in the journal when an invariant is first seen violated, so that a replay can be scrubbed to it."""
    known = {one["name"] for one in before.get("invariants", ()) if one["status"] == "violated"}
    for one in now["invariants"]:
        if one["status"] == "violated" and one["name"] not in known:
            since = [piece["pos"] for piece in one["evidence"] if piece.get("pos")]
            told = {"invariant": one["name"], "count": one["count"], "since": min(since, default=None)}
            # Of no booking: the bookings' own stories are told by those who saw them happen.
            observe(redis_of_requests(), "audit", "violation", f"violated: {one['title']}", data=told)


def _journal_end(indexed: bool) -> tuple[int, int]:
    """Position of the newest entry, and how far the index has come, if asked; other numbers each time the journal is away."""
    try:
        return queries.last_pos(), moments.indexed() if indexed else 0
    except (DatabaseError, InterfaceError):
        return -time.monotonic_ns(), 0
