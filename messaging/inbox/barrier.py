"""The barrier: the first message that takes a (saga, step, action) key acts on it; every later one gets the same answer
again.

After DTM's sub-transaction barrier, with one addition: the row stores the reply, because a saga whose first reply got
lost would hang if duplicates were only absorbed. Keys are taken in sorted order, so two batches cannot deadlock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from django.db import models

from messaging.database import Database, from_json
from messaging.outbox.append import Message, inserting, records


class Key(NamedTuple):
    saga_id: str
    step: str
    action: str


@dataclass(frozen=True, slots=True)
class Row:
    """A taken key. `id` is the message id of its reply; `fresh`: taken just now, by this transaction."""

    id: str
    state: str
    reply: dict[str, Any] | None
    fresh: bool


Answer = tuple[str, str, dict[str, Any]]
"""A row's id, `succeeded` or `refused`, and the reply's data."""

_TAKE = """
    insert into {table} (saga_id, step, action, booking_id, state, reply)
    select saga_id, step, action, booking_id, %s, %s::jsonb
    from unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) as k (saga_id, step, action, booking_id)
    order by saga_id, step, action
    on conflict (saga_id, step, action) do nothing
    returning id, saga_id, step, action
"""
# A separate statement: only a new snapshot sees the row of the transaction that the insert has waited for.
_FIND = """
    select id, saga_id, step, action, state, reply from {table}
    where (saga_id, step, action) in (select * from unnest(%s::uuid[], %s::text[], %s::text[]))
"""
# The rows are named twice: joined alone, a small table would be read from one end to the other.
_ANSWER = """
    update {table} b set state = a.state, reply = a.reply
    from jsonb_to_recordset(%s::jsonb) as a (id uuid, state text, reply jsonb)
    where b.id = any(%s::uuid[]) and b.id = a.id
"""
_ANSWER_AND_APPEND = """
    with given as materialized (select %s::jsonb as rows), answered as (
        update {table} b set state = a.state, reply = a.reply
        from given, jsonb_to_recordset(rows -> 'answers') as a (id uuid, state text, reply jsonb)
        where b.id = any(%s::uuid[]) and b.id = a.id
    )
    {messages}
"""
_RELEASE = "delete from {table} where id = any(%s::uuid[])"


def take(
    db: Database,
    model: type[models.Model],
    keys: Sequence[Key],
    bookings: Sequence[str],
    *,
    state: str = "taken",
    reply: dict[str, Any] | None = None,
) -> dict[Key, Row]:
    """Take each key if it is free, with this state and reply; return every key's row, fresh or found. Keys are distinct."""
    if not keys:
        return {}
    stored = None if reply is None else orjson.dumps(reply).decode()
    table = model._meta.db_table
    taken = db.rows(_TAKE.format(table=table), [state, stored, *_columns(keys), list(bookings)])
    rows = {Key(str(saga), step, action): Row(str(pk), state, reply, True) for pk, saga, step, action in taken}
    late = [key for key in keys if key not in rows]
    if late:
        for pk, saga, step, action, found, answer in db.rows(_FIND.format(table=table), _columns(late)):
            rows[Key(str(saga), step, action)] = Row(str(pk), found, from_json(answer), False)
    return rows


def answer(db: Database, model: type[models.Model], answers: Iterable[Answer]) -> None:
    """Store what was answered."""
    rows = _answers(answers)
    if rows:
        db.run(_ANSWER.format(table=model._meta.db_table), [orjson.dumps(rows).decode(), _ids(rows)])


def answer_and_append(
    db: Database,
    model: type[models.Model],
    answers: Iterable[Answer],
    outbox: type[models.Model],
    messages: Sequence[Message],
) -> None:
    """Store what was answered, and append messages to the outbox, in one statement. Raises OutboxError outside a transaction."""
    if messages:
        db.check_in_transaction(outbox)
    rows = {"answers": _answers(answers), "messages": records(messages)}
    if any(rows.values()):
        source = inserting(outbox, "given, jsonb_to_recordset(rows -> 'messages')")
        statement = _ANSWER_AND_APPEND.format(table=model._meta.db_table, messages=source)
        db.run(statement, [orjson.dumps(rows).decode(), _ids(rows["answers"])])


def _answers(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    return [{"id": pk, "state": state, "reply": reply} for pk, state, reply in answers]


def _ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def release(db: Database, model: type[models.Model], ids: Sequence[str]) -> None:
    """Release keys, by row id: the next message with such a key acts."""
    if ids:
        db.run(_RELEASE.format(table=model._meta.db_table), [list(ids)])


def _columns(keys: Sequence[Key]) -> list[list[str]]:
    return [list(column) for column in zip(*keys, strict=True)]
