"""The orchestrator's statements: one to lock and load a batch, one to write it. Both are set-based.

Sagas are locked before bookings, each in the order of their ids, by every batch: two batches wait for each other at most.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from booking.models import Outbox
from booking.saga.definition import SagaDefinition
from booking.saga.definitions import UnknownSagaError, restored
from booking.saga.state import ACTIVE, ENDED, SagaState, dump_tracks
from messaging.database import Database
from messaging.outbox.append import Message, inserting, records


@dataclass(slots=True)
class SagaRow:
    """A saga that the orchestrator has locked. `wait`: seconds until its timer is due; None: it has none."""

    state: SagaState
    definition: SagaDefinition
    booking_id: str
    awaiting: str = ""
    version: int = 0
    wait: float | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class UnknownSaga:
    """A saga that this version cannot continue: its position according to its row, and `why`, for a person."""

    id: str
    booking_id: str
    status: str
    step: str
    action: str
    attempt: int
    why: str

    @property
    def active(self) -> bool:
        return self.status not in list(ENDED)


@dataclass(slots=True)
class BookingRow:
    """A booking that the orchestrator has locked."""

    id: str
    customer_id: int
    performance_id: str
    seats: list[str]
    payment_method: str
    state: str
    reason: str
    amount: int | None
    currency: str
    saga_id: str
    version: int
    placed_by: str = ""
    cancel_saga_id: str | None = None  # an id for the saga that cancels it, if the customer wants that
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    saga_id: str
    who: str
    what: str
    step: str
    action: str
    attempt: int
    error: str
    state: str
    message_id: str


_ACTIVE = ", ".join(f"'{status}'" for status in ACTIVE)
# `for update` gives the newest version of a row it had to wait for; a join would give its other half stale. The bookings are
# locked once all sagas are: their ids are needed first.
_LOCK = f"""
    with saga as materialized (
        select id, definition, definition_version, booking_id, state, step, action, attempt, reason, steps, context, awaiting,
            version
        from booking_saga
        where id = any (%s::uuid[] || array(
            select id from booking_saga where booking_id = any (%s::uuid[]) and state in ({_ACTIVE})))
        order by id for update
    ), booking as materialized (
        select id, customer_id, performance_id, seats, payment_method, state, reason, amount, currency, saga_id, version,
            placed_by, case when cancel_requested_at is not null then uuidv7() end as cancel_saga_id
        from booking_booking where id = any (%s::uuid[] || array(select booking_id from saga)) order by id for update
    )
    select coalesce((select json_agg(saga) from saga), '[]')::text,
        coalesce((select json_agg(booking) from booking), '[]')::text, to_json(clock_timestamp()) #>> '{{}}'
"""
# The bookings are named twice: joined alone, a small table would be read from one end to the other.
_WRITE = f"""
    with given as materialized (select %s::jsonb as rows), booking as (
        update booking_booking b set state = r.state, reason = r.reason, amount = r.amount, currency = r.currency,
            version = r.version, due_at = null, cancel_requested_at = case when r.cancel then b.cancel_requested_at end
        from given, jsonb_to_recordset(rows -> 'bookings') as r (id uuid, state text, reason text, amount bigint,
            currency text, version bigint, cancel bool)
        where b.id = any (%s::uuid[]) and b.id = r.id
    ), saga as (
        insert into booking_saga as s (id, definition, definition_version, booking_id, state, step, action, attempt, reason,
            steps, context, awaiting, due_at, overdue, version)
        select id, definition, definition_version, booking_id, state, step, action, attempt, reason, steps, context,
            awaiting, clock_timestamp() + wait * interval '1 second', false, version
        from given, jsonb_to_recordset(rows -> 'sagas') as r (id uuid, definition text, definition_version int,
            booking_id uuid, state text, step text, action text, attempt int, reason text, steps jsonb, context jsonb,
            awaiting text, wait float8, version bigint)
        on conflict (id) do update set state = excluded.state, step = excluded.step, action = excluded.action,
            attempt = excluded.attempt, reason = excluded.reason, steps = excluded.steps, context = excluded.context,
            awaiting = excluded.awaiting, due_at = excluded.due_at, overdue = false, version = excluded.version
    ), log as (
        insert into booking_sagalog (saga_id, at, who, what, step, action, attempt, error, state, message_id)
        select saga_id, clock_timestamp(), who, what, step, action, attempt, error, state, message_id
        from given, jsonb_to_recordset(rows -> 'log') as r (saga_id uuid, who text, what text, step text, action text,
            attempt int, error text, state text, message_id uuid)
    )
    {inserting(Outbox, "given, jsonb_to_recordset(rows -> 'messages')")}
"""


def lock(
    db: Database, saga_ids: Collection[str], booking_ids: Collection[str]
) -> tuple[list[SagaRow | UnknownSaga], list[BookingRow], str]:
    """Lock and load these sagas and bookings, the active sagas of these bookings, and the bookings of these sagas; the last
    is the database's time, ISO 8601."""
    bookings = sorted(booking_ids)
    found = db.row(_LOCK, [sorted(saga_ids), bookings, bookings])
    assert found is not None
    sagas, booked, now = found
    return [_saga(row) for row in orjson.loads(sagas)], [BookingRow(**row) for row in orjson.loads(booked)], now


def _saga(row: dict[str, Any]) -> SagaRow | UnknownSaga:
    position = {name: row[name] for name in ("id", "step", "action", "reason", "context", "steps")}
    try:
        definition, state = restored(row["definition"], row["definition_version"], status=row["state"], **position)
    except UnknownSagaError as error:
        return UnknownSaga(
            row["id"], row["booking_id"], row["state"], row["step"], row["action"], row["attempt"], str(error)
        )
    return SagaRow(state, definition, row["booking_id"], row["awaiting"], row["version"])


def write(
    db: Database,
    *,
    bookings: Sequence[BookingRow],
    sagas: Sequence[SagaRow],
    log: Sequence[LogLine],
    messages: Sequence[Message],
) -> None:
    """Write these rows, and append the messages to the outbox. Raises OutboxError outside a transaction."""
    if messages:
        db.check_in_transaction(Outbox)
    rows = {
        "bookings": [_booking_record(row) for row in bookings],
        "sagas": [_saga_record(row) for row in sagas],
        "log": [{name: getattr(line, name) for name in LogLine.__slots__} for line in log],
        "messages": records(messages),
    }
    if any(rows.values()):
        db.run(_WRITE, [orjson.dumps(rows).decode(), [row.id for row in bookings]])


def _booking_record(row: BookingRow) -> dict[str, Any]:
    names = ("id", "state", "reason", "amount", "currency", "version")
    return {**{name: getattr(row, name) for name in names}, "cancel": row.cancel_saga_id is not None}


def _saga_record(row: SagaRow) -> dict[str, Any]:
    state = row.state
    step = row.definition.steps[state.position].name
    return {
        "id": state.id,
        "definition": row.definition.name,
        "definition_version": row.definition.version,
        "booking_id": row.booking_id,
        "state": state.status,
        "step": step,
        "action": state.action,
        "attempt": len(state.track(step, state.action).attempts),
        "reason": state.reason,
        "steps": dump_tracks(state.tracks),
        "context": state.context,
        "awaiting": row.awaiting,
        "wait": row.wait,
        "version": row.version,
    }
