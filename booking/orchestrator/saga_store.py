"""The orchestrator's statements: two to lock and load a batch, one for each table to write it. All are set-based.

Sagas are locked before bookings, each in the order of their ids, by every batch: two batches wait for each other at most.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from booking.saga.definition import SagaDefinition
from booking.saga.definitions import UnknownSagaError, restored
from booking.saga.state import ACTIVE, ENDED, SagaState, dump_tracks
from messaging.database import Database, from_json


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
# `for update` gives the newest version of a row it had to wait for; a join would give its other half stale.
_SAGAS = f"""
    select id::text, definition, definition_version, booking_id::text, state, step, action, attempt, reason, steps, context,
        awaiting, version
    from booking_saga
    where id = any (%s::uuid[] || array(
        select id from booking_saga where booking_id = any (%s::uuid[]) and state in ({_ACTIVE})))
    order by id for update
"""
_BOOKINGS = """
    select id::text, customer_id, performance_id, seats, payment_method, state, reason, amount, currency, saga_id::text,
        version, placed_by, case when cancel_requested_at is not null then uuidv7()::text end, to_json(clock_timestamp()) #>> '{}'
    from booking_booking where id = any (%s::uuid[]) order by id for update
"""
_WRITE_SAGAS = """
    insert into booking_saga as s (id, definition, definition_version, booking_id, state, step, action, attempt, reason,
        steps, context, awaiting, due_at, overdue, version)
    select id, definition, definition_version, booking_id, state, step, action, attempt, reason, steps, context,
        awaiting, clock_timestamp() + wait * interval '1 second', false, version
    from jsonb_to_recordset(%s::jsonb) as r (id uuid, definition text, definition_version int, booking_id uuid, state text,
        step text, action text, attempt int, reason text, steps jsonb, context jsonb, awaiting text, wait float8, version bigint)
    on conflict (id) do update set state = excluded.state, step = excluded.step, action = excluded.action,
        attempt = excluded.attempt, reason = excluded.reason, steps = excluded.steps, context = excluded.context,
        awaiting = excluded.awaiting, due_at = excluded.due_at, overdue = false, version = excluded.version
"""
_WRITE_BOOKINGS = """
    update booking_booking b set state = r.state, reason = r.reason, amount = r.amount, currency = r.currency,
        version = r.version, due_at = null, cancel_requested_at = case when r.cancel then b.cancel_requested_at end
    from jsonb_to_recordset(%s::jsonb) as r (id uuid, state text, reason text, amount bigint, currency text, version bigint,
        cancel bool)
    where b.id = r.id
"""
_WRITE_LOG = """
    insert into booking_sagalog (saga_id, at, who, what, step, action, attempt, error, state, message_id)
    select saga_id, clock_timestamp(), who, what, step, action, attempt, error, state, message_id
    from jsonb_to_recordset(%s::jsonb) as r (saga_id uuid, who text, what text, step text, action text, attempt int,
        error text, state text, message_id uuid)
"""


def lock_sagas(db: Database, saga_ids: Collection[str], of_bookings: Collection[str]) -> list[SagaRow | UnknownSaga]:
    """Lock these sagas, and the active sagas of these bookings."""
    return [_saga(record) for record in db.rows(_SAGAS, [sorted(saga_ids), sorted(of_bookings)])]


def _saga(record: tuple) -> SagaRow | UnknownSaga:
    saga_id, name, number, booking_id, status, step, action, attempt, reason, steps, context, awaiting, version = record
    try:
        definition, state = restored(
            name,
            number,
            id=saga_id,
            status=status,
            step=step,
            action=action,
            reason=reason,
            context=from_json(context),
            steps=from_json(steps),
        )
    except UnknownSagaError as error:
        return UnknownSaga(saga_id, booking_id, status, step, action, attempt, str(error))
    return SagaRow(state, definition, booking_id, awaiting, version)


def lock_bookings(db: Database, ids: Collection[str]) -> tuple[list[BookingRow], str]:
    """Lock these bookings; return them and the database's time, ISO 8601 ("" if there are none)."""
    records = db.rows(_BOOKINGS, [sorted(ids)])
    return [BookingRow(*record[:-1]) for record in records], records[0][-1] if records else ""


def write_sagas(db: Database, rows: Iterable[SagaRow]) -> None:
    _write(db, _WRITE_SAGAS, [_saga_record(row) for row in rows])


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


def write_bookings(db: Database, rows: Iterable[BookingRow]) -> None:
    names = ("id", "state", "reason", "amount", "currency", "version")
    _write(
        db,
        _WRITE_BOOKINGS,
        [{**{name: getattr(row, name) for name in names}, "cancel": row.cancel_saga_id is not None} for row in rows],
    )


def write_log(db: Database, lines: Iterable[LogLine]) -> None:
    _write(db, _WRITE_LOG, [{name: getattr(line, name) for name in LogLine.__slots__} for line in lines])


def _write(db: Database, statement: str, records: list[dict[str, Any]]) -> None:
    if records:
        db.run(statement, [orjson.dumps(records).decode()])
