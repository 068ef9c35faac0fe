"""Sagas that this version cannot carry on with: a person ends them, or a version that knows them goes on.

Their rows are left as they are. Nothing is known of what their steps did, so nothing is undone: whoever ends one by hand
says what the booking is from then on, and has put the other services right.
"""

from typing import Any

import orjson
from django.db import connections

from booking.contract import EndSaga
from booking.orchestrator.store import USING, UnknownSaga
from booking.saga.definitions import WHOLE
from booking.saga.engine import GONE_ON
from booking.saga.state import Known, Status

END_OF = {"CANCELLED": Status.COMPENSATED, "CONFIRMED": Status.COMPLETED}
"""The booking's state that a person chose -> how its saga has ended."""
_END = """
    update booking_saga set state = %s, reason = %s, steps = %s::jsonb || case when jsonb_typeof(steps) = 'object' then steps
        else '{}'::jsonb end, awaiting = '', due_at = null, overdue = false, version = version + 1
    where id = %s
"""
_STICK = """
    update booking_saga set state = 'STUCK', reason = %s, awaiting = '', due_at = null, overdue = false, version = version + 1
    where id = %s
"""


def refusal(saga: UnknownSaga, command: EndSaga) -> str:
    """Why the saga is not ended; "" if it is: the person saw it where it is."""
    seen = (command.step, command.action, command.attempt)
    return "" if saga.active and seen == (saga.step, saga.action, saga.attempt) else GONE_ON


def end(saga: UnknownSaga, command: EndSaga) -> None:
    """End the saga's row. What a person waived stands in its steps, where the auditor looks for it."""
    waived = {"end": {"known": Known.SKIPPED, "attempts": [], "limit": 0, "note": command.reason}}
    _execute(_END, [END_OF[command.state], reason(command), orjson.dumps({WHOLE: waived}).decode(), saga.id])


def stick(saga: UnknownSaga) -> None:
    """Let it wait for a person: only a look at its row found that it cannot go on, so the watchdog would ask for ever."""
    _execute(_STICK, [saga.why, saga.id])


def reason(command: EndSaga) -> str:
    return f"ended by hand: {command.reason}"


def _execute(statement: str, parameters: list[Any]) -> None:
    with connections[USING].cursor() as cursor:
        cursor.execute(statement, parameters)
