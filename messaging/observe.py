"""Observations: what leaves no trace in a database's log, reported by the code that saw it. Best effort, and marked as
such.

A rollback, a failed attempt, a duplicate absorbed, a fault that fired: the journal shows them together with the
transactions, but marked.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from redis import Redis, RedisError

from messaging.storable import kept
from topology.tuning import Count

STREAM = "observations"
MAXLEN: Count = 20_000  # observations kept in Redis, about
log = logging.getLogger(__name__)


def observe(
    redis: Redis,
    service: str,
    kind: str,
    text: str,
    *,
    booking: str = "",
    message_id: str = "",
    data: dict[str, Any] | None = None,
) -> bool:
    """Report to the flight recorder what it cannot read from a log; False if Redis did not accept it.

    Never raises: an observation must not break a saga.
    """
    observation = {
        "service": service,
        "kind": kind,
        "text": text,
        "correlationid": booking,
        "messageid": message_id,
        "data": data or {},
        "at": datetime.now(UTC).isoformat(),
    }
    try:
        redis.xadd(STREAM, {"o": kept(observation)}, maxlen=MAXLEN, approximate=True)
    except RedisError as error:
        log.warning("observation not sent: %s", error)
        return False
    return True
