"""Places a batch so that a row which another transaction has locked delays only the requests that need it.

A batch that hits a lock is placed again one request at a time, each with a short time limit. For a few seconds after
that, the requests of a customer who hit a lock are placed last, alone: the others do not wait for them a second time.
"""

import time
from collections.abc import Callable, Sequence

from django.db import OperationalError

from booking.placing.transaction import PlaceBooking, Result
from messaging.database import Database
from messaging.process.outage import is_away, is_locked
from topology.tuning import Seconds

TRY_S: Seconds = 0.1  # how long a request that is placed alone waits for a lock
REMEMBERED_S: Seconds = 5.0  # how long a customer who met a lock is placed last
Place = Callable[[Database, Sequence[PlaceBooking]], list[Result]]


class Apart:
    """Calls `place` for all requests together, and if that hits a lock, for each one. Not thread-safe."""

    def __init__(self, db: Database, place: Place) -> None:
        self._db, self._place = db, place
        self._locked: dict[int, float] = {}  # customer -> until when their requests are placed last

    def __call__(self, requests: Sequence[PlaceBooking]) -> list[Result | Exception]:
        """A result for each request, in order: for one that hit a lock, the database's error. Raises other database
        errors, unless some requests have been placed by then: then the others have the error as their result.
        """
        now = time.monotonic()
        self._locked = {customer: until for customer, until in self._locked.items() if until > now}
        last = {number for number, request in enumerate(requests) if request.customer in self._locked}
        first = [number for number in range(len(requests)) if number not in last]
        found: dict[int, Result | Exception] = {}
        try:
            found |= (
                zip(first, self._place(self._db, [requests[number] for number in first]), strict=True) if first else ()
            )
        except Exception as error:
            if not is_locked(error):
                raise
            last |= set(first)
        away: Exception | None = None
        for number in sorted(last):
            found[number] = away or self._alone(requests[number])
            away = away or _away(found[number])
        return [found[number] for number in range(len(requests))]

    def _alone(self, request: PlaceBooking) -> Result | Exception:
        try:
            with self._db.atomic():
                self._db.run(f"set local lock_timeout = {round(TRY_S * 1000)}")
                (result,) = self._place(self._db, [request])
        except Exception as error:
            if is_locked(error):
                self._locked[request.customer] = time.monotonic() + REMEMBERED_S
            return error
        self._locked.pop(request.customer, None)
        return result


def _away(found: Result | Exception) -> Exception | None:
    """The result for the remaining requests: they have not been tried."""
    if isinstance(found, Exception) and is_away(found):
        return OperationalError(f"the database went away: {found}")
    return None
