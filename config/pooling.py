"""Connection pools for the processes that would otherwise open a connection for each request or task.

Under ASGI each request has a thread of its own; Celery's Django fixup closes a task's connection when the task ends. A new
connection costs a fork, a SCRAM handshake and cold catalogue caches: 20 ms a hop, measured. Loops keep theirs instead.
"""

from django.conf import settings


def pool_connections(most: int) -> None:
    """Give every database of this process a pool of up to `most` connections. Call before the first query."""
    for database in filter(None, settings.DATABASES.values()):
        database["CONN_MAX_AGE"] = 0  # "close" gives it back
        database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": most, "timeout": 5}
