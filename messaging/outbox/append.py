"""A message to be, and the statement that writes it to an outbox. `Database.append` runs it: it commits with the rows, or not.

A service may write its messages in one statement with its rows: `inserting` is its part about the messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import orjson
from django.db import models


class OutboxError(RuntimeError):
    """The outbox was used outside a local transaction: the message could be sent without its rows, or the rows without it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message to be sent: `kind` is command, reply or event; ids are strings; `data` must be JSON.

    `schema`: the version of its contract (Body.schema_version); "" is the first.
    """

    kind: str
    type: str
    data: dict[str, Any]
    destination: str = ""
    subject: str = ""
    correlation_id: str = ""
    saga_id: str | None = None
    step: str = ""
    action: str = ""
    causation_id: str | None = None
    version: int | None = None
    schema: str = ""
    id: str | None = None


_FIELDS = [field.name for field in fields(Message)]  # dataclasses.asdict would copy every message's data, deep
_COLUMNS = (
    "kind, type, destination, subject, correlation_id, saga_id, step, action, causation_id, version, schema, data"
)
_INSERT = f"""
    insert into {{table}} (id, {_COLUMNS})
    select coalesce(id, uuidv7()), {_COLUMNS}
    from {{source}} as r (
        id uuid, kind text, type text, destination text, subject text, correlation_id text, saga_id uuid, step text,
        action text, causation_id uuid, version bigint, schema text, data jsonb)
"""


def insertion(outbox: type[models.Model], messages: Sequence[Message]) -> tuple[str, list[str]]:
    """The statement that writes these messages, in order, and its parameters."""
    return inserting(outbox, "jsonb_to_recordset(%s::jsonb)"), [orjson.dumps(records(messages)).decode()]


def inserting(outbox: type[models.Model], source: str) -> str:
    """The SQL that writes messages, in order. `source`: a call of jsonb_to_recordset, of an array of `records`."""
    return _INSERT.format(table=outbox._meta.db_table, source=source)


def records(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """These messages as JSON has them."""
    return [{name: getattr(message, name) for name in _FIELDS} for message in messages]
