"""The loop around a reader: apply what it reads, and survive every outage."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections

from messaging.events.cursor import Cursor
from messaging.events.reader import Batch, Reader, checked_event
from messaging.events.skipped import AT_ONCE, SkippedEvents
from messaging.process.outage import Outage, may_be_caused_by_content
from messaging.process.pacing import Pacer
from topology.tuning import PerSecond, Seconds

log = logging.getLogger(__name__)

LONGEST_ROUND_S: Seconds = 0.3
"""From the beginning of one transaction to that of the next in a stream of events: those of one aggregate that share a
transaction make one version of its row, however many they are.
"""
ONE_AFTER_ANOTHER: PerSecond = 200
"""Events up to which none waits: bookings each of which waits for the view of the last one make some 110."""
CHECK_S: Seconds = 2.0  # between two looks whether somebody else has moved the cursors
Load = Callable[[], Sequence[Cursor]]
Apply = Callable[[Sequence[dict[str, Any]], Sequence[Cursor], dict[str, int]], None]


class CursorsMovedError(RuntimeError):
    """Raised by `apply`, having written nothing: the saved cursors are no longer those it last loaded or saved."""


def follow(
    reader: Reader,
    load: Load,
    apply: Apply,
    stop: Callable[[], bool],
    *,
    skipped: SkippedEvents,
    beat: Callable[[], None] = lambda: None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Read and apply until `stop()`; `beat()` is called at least every half second while all is well. `check()` is
    called now and then when there are no events; it raises CursorsMovedError as `apply` does, so that a view whose
    cursors were set back catches up even without a new event.

    `load()` returns the saved cursor of each source (a new Cursor(source=...) for one never read).
    `apply(envelopes, cursors, behind)` writes rows and these cursors in ONE transaction, each row only if the event's
    version is newer than the row's. It may get the same event again, events out of order, and cursors without events; only
    the cursors that moved are given. `behind` is {source: stream entries not yet read}, to show a lag.

    After an outage, or CursorsMovedError, the cursors are loaded again, so it does not matter whether the last
    transaction was committed. An event is skipped only if its content can be the cause of the failure, and if the
    database accepts other writes: the cursors are saved after its dead letter (`skipped`). After any other failure the
    loop waits and tries again.
    """
    outage = Outage(f"{reader.name}: PostgreSQL")
    pacer = Pacer(LONGEST_ROUND_S, quiet=ONE_AFTER_ANOTHER, enough=math.inf)
    loaded = False
    rest_until = check_at = retry_at = 0.0
    while not stop():
        try:
            if not loaded:
                reader.start(load())
                loaded = True
            time.sleep(max(0.0, rest_until - time.monotonic()))
            batch = reader.read()
            if batch.cursors:
                began = time.monotonic()
                _deliver(reader, apply, batch, skipped)
                pacer.count(len(batch.envelopes))
                rest_until = began if batch.more else pacer.due_at(began)
                check_at = time.monotonic() + CHECK_S
            elif time.monotonic() >= check_at:
                check()
                check_at = time.monotonic() + CHECK_S
            if time.monotonic() >= retry_at:
                more = _retry(apply, skipped)
                retry_at = time.monotonic() + (0 if more else CHECK_S)
            outage.over()
            beat()
        except CursorsMovedError as moved:
            log.info("%s: %s", reader.name, moved)
            loaded = False
        except Exception as error:
            if may_be_caused_by_content(error):  # an error of ours, not of an event: this process had better restart
                raise
            outage.failed(error)
            connections.close_all()
            loaded = False
            time.sleep(outage.pause(0.05, 0.5))
    reader.close()


def _deliver(reader: Reader, apply: Apply, batch: Batch, skipped: SkippedEvents) -> None:
    """Apply the batch. If one of its events cannot be applied: all the others, then its letter, and the cursors last."""
    bad = list(batch.unreadable)
    try:
        apply(batch.envelopes, batch.cursors if not bad else [], batch.behind)
        if not bad:
            return
    except Exception as error:
        _raise_unless_its_own(error)
        log.warning("%s: batch of %d failed (%r); one by one", reader.name, len(batch.envelopes), error)
        for envelope in batch.envelopes:
            try:
                apply([envelope], [], {})
            except Exception as own:
                _raise_unless_its_own(own)
                bad.append((envelope, str(envelope["source"]), own))
    for content, where, cause in bad:  # a separate write: a database that accepts it is working
        skipped.record(content, where, cause)
        reader.skipped(str(content), where, cause)
    apply([], batch.cursors, batch.behind)


def _retry(apply: Apply, skipped: SkippedEvents) -> bool:
    """Apply again the events that a person has retried, and those that waited for a newer version. Returns whether more
    may be due."""
    due = skipped.due()
    for letter, event in due:
        try:
            apply([checked_event(event)], [], {})
        except Exception as error:
            _raise_unless_its_own(error)
            skipped.record(event, str(event.get("source", "")), error, letter)
        else:
            skipped.cleared(letter)
    return len(due) == AT_ONCE


def _raise_unless_its_own(error: Exception) -> None:
    """To be called while an exception is handled: re-raises it unless the event's content can be the cause."""
    if isinstance(error, CursorsMovedError) or not may_be_caused_by_content(error):
        raise error
