"""A live journal made by hand: bookings whose seat is held and sold, with the messages between, indexed as the recorder does."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections

from journal.index.indexer import Indexer
from journal.models import Entry, Epoch, Mention
from journal.runs.lifecycle import OF_A_TAPE

START = datetime(2027, 1, 1, tzinfo=UTC)
TABLES = (*OF_A_TAPE, "journal_table", "journal_epoch", "journal_position")


def wipe() -> None:
    with connections["journal"].cursor() as cursor:
        cursor.execute(f"truncate {', '.join(TABLES)}")


def counts() -> dict[str, int]:
    with connections["journal"].cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"select count(*) from {table}")
            found[table] = cursor.fetchone()[0]
    return found


def begin() -> None:
    Epoch.objects.create(id=uuid.uuid4(), created_at=START)


def record(first: int, bookings: int) -> int:
    """Three entries a booking from position `first` on; the last command of all is still under way. Returns the last."""
    entries: list[Entry] = []
    mentions = []
    for number in range(bookings):
        pos = first + 3 * number
        booking, command, reply = (str(uuid.uuid4()) for _ in range(3))
        label = f"A-{pos}"
        entries += [
            _entry(pos, "booking", [_outbox("booking", command, "command", "ReserveSeats", booking)], emits=[command]),
            _entry(
                pos + 1, "seats",
                [_seat(label, None, "RESERVED", booking), _outbox("seats", reply, "reply", "ReserveSeatsReply", booking)],
                emits=[reply], causes=[command], cause_pos=[pos],
            ),
            _entry(pos + 2, "seats", [_seat(label, "RESERVED", "SOLD", booking)]),
        ]  # fmt: skip
        mentions += [Mention(tape=0, pos=pos + offset, correlation=booking) for offset in range(3)]
    Entry.objects.bulk_create(entries)
    Mention.objects.bulk_create(mentions)
    while Indexer().step():
        pass
    return first + 3 * bookings - 1


def _entry(pos: int, service: str, changes: list[dict[str, Any]], **more: Iterable[Any]) -> Entry:
    at = START + timedelta(microseconds=pos)
    lists = {"causes": [], "cause_pos": [], "emits": [], **more}
    return Entry(
        tape=0, pos=pos, kind="transaction", service=service, xid=700 + pos, lsn=f"0/{pos:X}", committed_at=at,
        recorded_at=at, title=f"entry “{pos}” \\ \"x\"", cause_known=True, changes=changes, data=None, **lists,
    )  # fmt: skip


def _seat(label: str, old: str | None, new: str, booking: str) -> dict[str, Any]:
    before = old and {"label": label, "status": old, "booking_id": booking, "price": 1.1, "body": {"n": [1e30, 0.5]}}
    after = {"label": label, "status": new, "booking_id": booking, "price": 1.1, "body": {"n": [1e30, 0.5]}}
    op = "update" if before else "insert"
    return {"table": "seats_seat", "op": op, "key": label, "old": before, "new": after}


def _outbox(service: str, id: str, kind: str, type: str, booking: str) -> dict[str, Any]:
    row = {
        "id": id, "kind": kind, "type": type, "destination": "seats" if kind == "command" else "booking",
        "correlation_id": booking,
    }  # fmt: skip
    return {"table": f"{service}_outbox", "op": "insert", "key": id, "old": None, "new": row}
