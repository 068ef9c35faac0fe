"""Connection pools for processes that would otherwise open a connection for each request or task.

Under ASGI each request has a thread of its own; Celery's Django fixup closes a task's connection when the task ends. A new
connection costs a fork, a SCRAM handshake and cold catalogue caches: 20 ms a hop, measured. Loops keep their
connections instead.
"""

from typing import Any

from django.conf import settings

from messaging.postgresql.bounded import BoundedConnection, be_patient
from topology.tuning import Seconds

WAIT_S: Seconds = 3.0  # for a connection
# After a failure the pool tries again once, a second later, and then at each request: its own back-off grows to
# minutes, and available connections would be unused meanwhile.
RECONNECT_S: Seconds = 1.0


def pool_connections(most: int, statement_s: float) -> None:
    """Give every database of this process a pool of up to `most` connections, and each statement a limit in seconds.

    Call before the first query.
    """
    be_patient(statement_s)
    for database in filter(None, settings.DATABASES.values()):
        database["CONN_MAX_AGE"] = 0  # "close" returns it
        database["OPTIONS"]["pool"] = options(most)


def options(most: int) -> dict[str, Any]:
    """Options of psycopg_pool's ConnectionPool."""
    return {
        "min_size": 1,
        "max_size": most,
        "timeout": WAIT_S,
        "reconnect_timeout": RECONNECT_S,
        "connection_class": BoundedConnection,
    }
