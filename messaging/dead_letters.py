"""Messages that fail: every attempt's error is kept; after LIMIT attempts the message is dead and waits for a person."""

import json
from typing import Any

from django.db import connections, models, router

LIMIT = 5

_RECORD = """
    insert into {table} (id, type, booking_id, envelope, attempts, state, reason, updated_at)
    values (%(id)s, %(type)s, %(booking)s, %(envelope)s, jsonb_build_array(jsonb_build_object(
        'at', clock_timestamp(), 'error', %(error)s::text)), %(state)s, '', clock_timestamp())
    on conflict (id) do update set
        attempts = {table}.attempts || excluded.attempts,
        envelope = excluded.envelope,
        state = case when jsonb_array_length({table}.attempts) + 1 >= %(limit)s then 'dead' else excluded.state end,
        updated_at = clock_timestamp()
    returning state, jsonb_array_length(attempts)
"""


def record(dead_letter: type[models.Model], envelope: dict[str, Any], error: str, *, dead: bool = False) -> str:
    """Note a failed attempt; return the message's state: `retrying`, or `dead` after LIMIT attempts (or at once, if `dead`)."""
    with connections[router.db_for_write(dead_letter)].cursor() as cursor:
        cursor.execute(
            _RECORD.format(table=dead_letter._meta.db_table),
            {
                "id": envelope["id"],
                "type": _storable(str(envelope.get("type", ""))),
                "booking": _storable(str(envelope.get("correlationid", ""))),
                "envelope": json.dumps(envelope).replace("\\u0000", "\\ufffd"),
                "error": _storable(error[:4000]),
                "state": "dead" if dead else "retrying",
                "limit": LIMIT,
            },
        )
        return cursor.fetchone()[0]


def _storable(text: str) -> str:
    """PostgreSQL's text has no NUL, and a message may be here for having one."""
    return text.replace("\x00", "\ufffd")
