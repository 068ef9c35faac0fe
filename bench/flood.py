"""Journal entries at a rate: transactions on a service's own database, which the recorder reads from its log like all others."""

import time

from django.db import connections

TICK_S = 0.02
ALIAS, STATEMENT = "booking", "update booking_customer set name = name where id = 123"


def write(rate: float, seconds: float) -> float:
    """Commit `rate` transactions a second, each of one row written as it is; how many a second there were."""
    connection = connections[ALIAS]
    connection.ensure_connection()
    done, began = 0, time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("set synchronous_commit = off")  # the load's own speed is not what is measured
        while (passed := time.perf_counter() - began) < seconds:
            while done < rate * passed:
                cursor.execute(STATEMENT)
                done += 1
            time.sleep(TICK_S)
    passed = time.perf_counter() - began
    connection.close()
    return done / passed
