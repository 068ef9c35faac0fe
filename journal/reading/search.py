"""Finds the journal's entry for an id that a person has: of a booking, a message, a row (a payment), a transaction, an
LSN.

This needs no index of its own. A booking is found by its mentions, a row by its current version, a message by the time
at the beginning of its id (a UUIDv7), a transaction by bisecting its service's log, whose order is the journal's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from journal.database import JOURNAL
from topology.tuning import Count

LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")
ID = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f-]{3,35}")
AMONG: Count = 400  # transactions around the expected place of an xid: within a log they are nearly in order
EARLY, LATE = timedelta(seconds=2), timedelta(seconds=120)  # between a message's id and its transaction's commit
SOME = 5
ALLOWED = (
    "an entry (#42), a booking, message, payment or other row by its id or the id's beginning, "
    "a transaction's xid, an LSN (0/16B3748)"
)

_BOOKINGS = """
    select correlation, min(pos) from journal_mention
    where tape = %(tape)s and pos between %(first)s and %(last)s and correlation like %(like)s
    group by correlation order by 1 limit %(some)s
"""
_ROWS = """
    select t.name, v.key, v.from_pos from journal_rowversion v join journal_table t on t.id = v."table"
    where v.tape = %(tape)s and v."table" = any(array(select id from journal_table)) and v.octave is null
        and v.key like %(like)s and v.from_pos between %(first)s and %(last)s
    order by v.from_pos limit %(some)s
"""
_MESSAGES = """
    select e.pos, m.id from journal_entry e, lateral (
        select id::text from unnest(e.emits) id where id::text like %(like)s limit 1) m
    where e.tape = %(tape)s and e.committed_at between %(since)s and %(until)s and e.pos between %(first)s and %(last)s
    order by e.committed_at, e.pos limit %(some)s
"""
_TRANSACTION = """
    select pos, xid, lsn from journal_entry
    where tape = %(tape)s and service = %(service)s and pos between %(first)s and %(last)s and xid is not null
    order by pos limit %(some)s
"""
_SERVICES = """
    with recursive known as (
        (select service from journal_entry where tape = %(tape)s order by service limit 1)
        union all
        select (select service from journal_entry where tape = %(tape)s and service > known.service order by service limit 1)
        from known where known.service is not null)
    select service from known where service is not null
"""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, and what it was found as: "booking 0192...", "payments, xid 745"."""

    pos: int
    what: str


def find(text: str, tape: int, first: int, last: int) -> list[Found]:
    """What `text` names at positions `first` to `last`: a few results, the likeliest first; [] if none."""
    text, among = text.strip(), {"tape": tape, "first": first, "last": last, "some": SOME}
    if text.startswith("#"):
        return _position(text[1:], first, last)
    if LSN.fullmatch(text):
        return [Found(pos, f"{service}, LSN {lsn}") for service, pos, _, lsn in _logged(among, lsn=_number(text))]
    found: list[Found] = []
    if text.isascii() and text.isdigit() and len(text) < 19 and text[0] != "0":
        found = [Found(pos, f"{service}, xid {xid}") for service, pos, xid, _ in _logged(among, xid=int(text))]
        found += _position(text, first, last)
    if ID.fullmatch(text):
        found += _ids(text.lower(), among)
    return list({one.pos: one for one in reversed(found)}.values())[::-1]


def _position(text: str, first: int, last: int) -> list[Found]:
    fits = text.isascii() and text.isdigit() and len(text) < 19 and first <= int(text) <= last
    return [Found(int(text), f"entry #{int(text)}")] if fits else []


def _ids(text: str, among: dict[str, Any]) -> list[Found]:
    """By its beginning; a booking's also by its last eight characters, as the pages show it."""
    bookings = JOURNAL.rows(_BOOKINGS, {**among, "like": f"{text}%"})
    if not bookings and len(text) == 8:
        bookings = JOURNAL.rows(_BOOKINGS, {**among, "like": f"%{text}"})
    found = [Found(pos, f"booking {id}") for id, pos in bookings]
    if since := _since(text):
        values = {**among, "like": f"{text}%", "since": since[0] - EARLY, "until": since[1] + LATE}
        found += [Found(pos, f"message {id}") for pos, id in JOURNAL.rows(_MESSAGES, values)]
    rows = JOURNAL.rows(_ROWS, {**among, "like": f"{text}%"})
    known = {id for id, _ in bookings}  # a booking's rows in four databases use its own id
    return found + [Found(pos, f"{table} {key}, as last written") for table, key, pos in rows if key not in known]


def _since(text: str) -> tuple[datetime, datetime] | None:
    """The period in which a UUIDv7 with this beginning was made; None if it is too short."""
    digits = text.replace("-", "")
    if len(digits) < 8 or (len(digits) > 12 and digits[12] != "7"):
        return None
    edges = [int(digits[:12].ljust(12, fill), 16) / 1000 for fill in "0f"]
    try:
        return datetime.fromtimestamp(edges[0], UTC), datetime.fromtimestamp(edges[1], UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _logged(
    among: dict[str, Any], *, xid: int | None = None, lsn: int | None = None
) -> list[tuple[str, int, int, str]]:
    """(service, position, xid, LSN) of the transactions with this xid or LSN, of each service at most one."""
    found = []
    for (service,) in JOURNAL.rows(_SERVICES, among):
        values = {**among, "service": service}
        low, high = among["first"], among["last"]
        while low < high:  # the first transaction at or after the one wanted
            middle = (low + high) // 2
            probe = JOURNAL.rows(_TRANSACTION, {**values, "first": middle, "some": 1})
            if probe and (_number(probe[0][2]) < lsn if lsn is not None else probe[0][1] < (xid or 0)):
                low = max(middle, probe[0][0]) + 1
            else:
                high = middle
        exact = lsn is not None
        nearby = {**values, "first": low if exact else _back(values, low), "some": 1 if exact else AMONG}
        for pos, its_xid, its_lsn in JOURNAL.rows(_TRANSACTION, nearby):
            if its_xid == xid or (exact and _number(its_lsn) == lsn):
                found.append((service, pos, its_xid, its_lsn))
                break
    return found


def _back(values: dict[str, Any], pos: int) -> int:
    """Half of `AMONG` transactions before `pos`."""
    sql = _TRANSACTION.replace("order by pos", "order by pos desc")
    before = JOURNAL.rows(sql, {**values, "last": pos, "some": AMONG // 2})
    return int(before[-1][0]) if before else pos


def _number(lsn: str) -> int:
    """The number of an LSN in PostgreSQL's notation; 0 for a text that is not one (a hand-made tape)."""
    if not LSN.fullmatch(lsn):
        return 0
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)
