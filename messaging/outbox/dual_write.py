"""The control of the outbox: with that mechanism off, messages are published after the commit, from memory.

Two writes, to a database and to a broker, without a common transaction: a process that dies in between has done its
work without publishing it. Commands and replies are requested again; an event is lost permanently, as no log has it
either.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from celery import current_app
from redis import Redis

from faults import Mechanism, Plan
from messaging import envelope as envelopes
from messaging.database import Database
from messaging.outbox.append import Message
from messaging.outbox.publisher import FAILURES, Publisher

log = logging.getLogger(__name__)
_SNAPSHOT = "select pg_current_xact_id()::text, pg_snapshot_xmin(pg_current_snapshot())::text"
_pending: list[dict[str, Any]] = []
"""What this process has committed, or is about to commit, and has not published yet. A worker handles one batch at a time."""


def for_outbox(db: Database, messages: Sequence[Message], plan: Plan) -> Sequence[Message]:
    """The messages to append: all of them. With the mechanism off none, and they are remembered for `publish`."""
    if not plan.disabled(Mechanism.OUTBOX):
        return messages
    if messages:
        ((xid, horizon),) = db.rows(_SNAPSHOT)
        _pending.extend(_envelope(plan.service, message, xid, horizon) for message in messages)
    return []


def publish(redis: Redis, service: str) -> None:
    """Publish the messages of the transaction that has just committed. Those that the broker does not accept are lost."""
    if not _pending:
        return
    said = list(_pending)
    forget()
    publisher = Publisher(current_app, redis, service)
    try:
        publisher.send([one for one in said if one["kind"] == "event"], {})
        for one in said:
            if one["kind"] != "event":
                publisher.push(one["destination"], [one])
    except FAILURES as error:
        log.warning("%s: messages without an outbox are lost: %s", service, error)


def forget() -> None:
    """The transaction rolled back, or its process has died."""
    _pending.clear()


def _envelope(service: str, message: Message, xid: str, horizon: str) -> dict[str, Any]:
    row = {name: getattr(message, name) for name in Message.__slots__}
    row |= {"id": message.id or str(uuid.uuid4()), "time": datetime.now(UTC), "xid": xid, "horizon": horizon}
    return envelopes.from_row(service, row)
