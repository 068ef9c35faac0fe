"""Idempotency keys: a request that comes again has no second effect.

A key is kept with a digest of what was asked for, in the local transaction of its request. A request that is refused leaves
nothing behind, not even its key. Placing bookings does the same for a whole batch in one statement (placing/transaction.py).
"""

import hashlib
import json
from typing import Any

REUSED = "this Idempotency-Key came with another request before; use a new one"

_TAKE = """
    insert into booking_idempotencykey (key, fingerprint, booking_id) values (%s, %s, %s)
    on conflict do nothing returning key
"""
_FORMER = "select fingerprint from booking_idempotencykey where key = %s"


class KeyReused(Exception):
    """The key came with another request before."""


def fingerprint(*asked: Any) -> str:
    """A digest of what is asked for: 64 hexadecimal digits. `asked`: whatever JSON can hold."""
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def claim(cursor: Any, key: str, asked: str, booking: str | None = None) -> bool:
    """Take the key for the request with the fingerprint `asked`, within the caller's transaction.

    True: the request is new. False: the same request came before. Waits for another transaction that has taken the key.
    Raises KeyReused.
    """
    cursor.execute(_TAKE, [key, asked, booking])
    if cursor.fetchone() is not None:
        return True
    cursor.execute(_FORMER, [key])
    if cursor.fetchone() != (asked,):
        raise KeyReused
    return False
