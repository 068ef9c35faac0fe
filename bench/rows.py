"""The times of bookings, read from the journal afterwards: when their commits happened, by the databases' clocks."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connections
from redis import Redis

from bench.load import POLL_S, TIMEOUT_S
from journal.recording.broadcast import STATUS
from messaging.wal import parse_lsn
from topology.processes import HOUSE

_LAST = "select coalesce(max(pos), 0) from journal_entry where tape = 0"
_STORED = "select extract(epoch from max(recorded_at)) from journal_entry where tape = 0 and pos between %s and %s"
_INDEXED = "select coalesce((select pos from journal_indexed where tape = 0), 0)"
_CONFIRMED = """
    select id::text, correlation_id from booking_outbox
    where seq > %s and type = 'BookingConfirmed' and kind = 'event' and correlation_id = any(%s)
"""
# Of each message the commit of the transaction that wrote it.
_COMMITTED = """
    select message::text, extract(epoch from e.committed_at) from journal_entry e, unnest(e.emits) message
    where e.tape = 0 and e.pos > %s and e.service = 'booking'
"""
# Of each booking the last commit of a view's row about it.
_SHOWN = """
    select m.correlation, extract(epoch from max(e.committed_at)) from journal_mention m
    join journal_entry e on e.tape = 0 and e.pos = m.pos
    where m.tape = 0 and m.pos > %s and e.service = 'projections' and m.correlation = any(%s) group by m.correlation
"""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment at which nothing was under way: the newest entry, and the newest message of Booking."""

    pos: int
    seq: int


@dataclass(frozen=True, kw_only=True)
class CaughtUp:
    """When the last entry was stored, and when it was indexed (seen by asking each POLL_S). Seconds since 1970."""

    stored: float
    indexed: float


@dataclass(frozen=True, kw_only=True)
class Times:
    """Booking -> seconds since 1970."""

    confirmed: dict[str, float]
    shown: dict[str, float]


def mark() -> Mark:
    """Call it once all is indexed."""
    with connections["booking"].cursor() as cursor:
        cursor.execute("select coalesce(max(seq), 0) from booking_outbox")
        (seq,) = cursor.fetchone()
    return Mark(pos=_number(_LAST), seq=seq)


def until_indexed(since: Mark | None = None) -> CaughtUp:
    """Wait until all that is committed now is in the journal, and indexed."""
    ends = {}
    for database in HOUSE.journaled:
        with connections[database.alias].cursor() as cursor:
            cursor.execute("select pg_current_wal_lsn()::text")
            ends[database.alias] = parse_lsn(cursor.fetchone()[0])
    give_up = time.monotonic() + TIMEOUT_S
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        while (behind := _behind(redis, ends)) and time.monotonic() < give_up:
            time.sleep(POLL_S)
    if behind:
        raise TimeoutError(f"after {TIMEOUT_S} s the recorder has not read the log of {', '.join(behind)}")
    last = _number(_LAST)
    while (indexed := _number(_INDEXED)) < last:
        if time.monotonic() > give_up + TIMEOUT_S:
            raise TimeoutError(f"the index has come to entry {indexed} of {last}")
        time.sleep(POLL_S)
    seen = time.time()
    with connections["journal"].cursor() as cursor:
        cursor.execute(_STORED, [since.pos + 1 if since else last, last])
        (stored,) = cursor.fetchone()
    return CaughtUp(stored=float(stored or seen), indexed=seen)


def times(ids: Sequence[str], since: Mark) -> Times:
    """When each booking's BookingConfirmed was committed, and the last row of a view about it. Call it once all is indexed."""
    with connections["booking"].cursor() as cursor:
        cursor.execute(_CONFIRMED, [since.seq, list(ids)])
        messages = dict(cursor.fetchall())
    with connections["journal"].cursor() as cursor:
        cursor.execute(_COMMITTED, [since.pos])
        confirmed = {messages[message]: float(at) for message, at in cursor.fetchall() if message in messages}
        cursor.execute(_SHOWN, [since.pos, list(ids)])
        shown = {booking: float(at) for booking, at in cursor.fetchall()}
    for what, found in (("its confirmation", confirmed), ("a view's row", shown)):
        if lost := set(ids) - found.keys():
            raise RuntimeError(f"the journal lacks {what} of {len(lost)} bookings, {min(lost)} among them")
    return Times(confirmed=confirmed, shown=shown)


def _behind(redis: Redis, ends: dict[str, int]) -> list[str]:
    """The databases whose log the recorder has not stored up to there."""
    reported = redis.hget(STATUS, "stored")
    stored = json.loads(str(reported, "utf-8")) if isinstance(reported, bytes) else {}
    return [alias for alias, end in ends.items() if parse_lsn(stored.get(alias, "0/0")) < end]


def _number(query: str) -> int:
    with connections["journal"].cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])
