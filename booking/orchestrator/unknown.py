"""Sagas that this version cannot continue: a person ends them, or a version that knows them resumes them.

Their rows are left unchanged. The effects of their steps are unknown, so nothing is undone: the person who ends one
chooses the booking's state, and has repaired the other services.
"""

import orjson

from booking.contract import EndSaga
from booking.orchestrator.saga_store import UnknownSaga
from booking.saga.definitions import WHOLE
from booking.saga.engine import MOVED_ON
from booking.saga.state import Known, Status
from messaging.database import Database

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
    """Why the saga is not ended; "" if it is: the person saw its present position."""
    seen = (command.step, command.action, command.attempt)
    return "" if saga.active and seen == (saga.step, saga.action, saga.attempt) else MOVED_ON


def end(db: Database, saga: UnknownSaga, command: EndSaga) -> None:
    """End the saga's row. What a person waived is recorded in its steps, where the auditor reads it."""
    waived = {"end": {"known": Known.SKIPPED, "attempts": [], "limit": 0, "note": command.reason}}
    db.run(_END, [END_OF[command.state], reason(command), orjson.dumps({WHOLE: waived}).decode(), saga.id])


def stick(db: Database, saga: UnknownSaga) -> None:
    """Let it wait for a person: only its row shows that it cannot continue, so the watchdog would retry for ever."""
    db.run(_STICK, [saga.why, saga.id])


def reason(command: EndSaga) -> str:
    return f"ended by hand: {command.reason}"
