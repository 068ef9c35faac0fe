"""The links from a verdict's evidence to the journal's entries: the auditor's only use of the journal."""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from django.db import DatabaseError, InterfaceError

from audit.blame import blamed
from journal.reading import moments, queries
from journal.reading.row_origin import Blamed, newest
from messaging.postgresql.bounded import patience
from topology.tuning import Seconds

log = logging.getLogger(__name__)
Document = dict[str, Any]
READING_S: Seconds = 20.0  # a statement over the entries about many bookings


class Links:
    """Remembers the entries found for violations: while a breach exists, its first entry stays the same."""

    def __init__(self) -> None:
        self._found: dict[bytes, Blamed] = {}
        self._end = (0, 0)
        self._tried: set[bytes] = set()

    def put(self, invariants: Sequence[Document]) -> None:
        """Give each piece of evidence `pos` and `url`: the journal's entry, if it is found, and the page showing it.

        For a violation it is the first entry since which it is broken; for a pending or waived piece, the newest about
        it.
        """
        violated = [
            (one["name"], piece) for one in invariants for piece in one["evidence"] if one["status"] == "violated"
        ]
        others = [piece for one in invariants if one["status"] != "violated" for piece in one["evidence"]]
        others += [piece for one in invariants for piece in one["waived"]]
        keys = [orjson.dumps([name, piece]) for name, piece in violated]
        self._found = {key: self._found[key] for key in keys if key in self._found}
        for piece in (*(piece for _, piece in violated), *others):
            _put(piece, None)
        try:  # the verdict stands without the journal
            with patience(READING_S):
                self._blame([(key, one) for key, one in zip(keys, violated, strict=True) if key not in self._found])
                _point_at_newest([piece for piece in others if piece.get("booking")])
        except (DatabaseError, InterfaceError):
            log.warning("the journal does not say which entries are to blame", exc_info=True)
        for key, (_, piece) in zip(keys, violated, strict=True):
            _put(piece, self._found.get(key))

    def _blame(self, unknown: Sequence[tuple[bytes, tuple[str, Document]]]) -> None:
        """Search the entries not found yet, if the journal or its index has advanced since the last search."""
        if not unknown:
            return
        end = queries.last_pos(), moments.indexed()
        if end == self._end and all(key in self._tried for key, _ in unknown):
            return
        self._end, self._tried = end, {key for key, _ in unknown}
        for (key, _), entry in zip(unknown, blamed([one for _, one in unknown]), strict=True):
            if entry:
                self._found[key] = entry


def _point_at_newest(pieces: Sequence[Document]) -> None:
    if not pieces:
        return
    concerned = [(piece, piece.get("bookings") or [piece["booking"]]) for piece in pieces]
    found = newest({one for _, bookings in concerned for one in bookings})
    for piece, bookings in concerned:
        _put(piece, max((Blamed(found[one], one) for one in bookings if one in found), default=None))


def _put(piece: Document, entry: Blamed | None) -> None:
    booking = entry.booking if entry else piece.get("booking")
    address = {"booking": booking, "pos": entry.pos if entry else None}
    piece["pos"] = address["pos"]
    piece["url"] = f"/?{urlencode({name: value for name, value in address.items() if value})}" if booking else ""
