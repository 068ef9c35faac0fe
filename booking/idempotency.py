"""Idempotency keys: a repeated request has no second effect.

A key is stored with a digest of its request, in the request's local transaction. A refused request leaves nothing
behind, not even its key. Placing bookings does the same for a whole batch in one statement (placing/transaction.py).
"""

import hashlib
import json
from typing import Any

from messaging.database import Database

REUSED = "this Idempotency-Key has already been used for another request; use a new one"

_TAKE = """
    insert into booking_idempotencykey (key, fingerprint, booking_id) values (%s, %s, %s)
    on conflict do nothing returning key
"""
_FORMER = "select fingerprint from booking_idempotencykey where key = %s"


class KeyReused(Exception):
    """The key has already been used for another request."""


def fingerprint(*asked: Any) -> str:
    """A digest of a request: 64 hexadecimal digits. `asked`: any JSON value."""
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def claim(db: Database, key: str, asked: str, booking: str | None = None) -> bool:
    """Take the key for the request with the fingerprint `asked`, within the transaction that `db` is in. True: the request is
    new. False: it is a repetition. Waits for another transaction that has taken the key. Raises KeyReused.
    """
    if db.rows(_TAKE, [key, asked, booking]):
        return True
    if db.row(_FORMER, [key]) != (asked,):
        raise KeyReused
    return False
