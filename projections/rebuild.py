"""Rebuilds a view by its name, one process at a time; see messaging/events/rebuild.py."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from django.db import DatabaseError

from messaging.events import rebuild as rebuilding
from messaging.events.catch_up import EventApi
from messaging.events.rebuild import PATIENCE_S, RebuildError, Rebuilt
from messaging.events.skipped import SkippedEvents
from messaging.events.view import View
from projections.database import PROJECTIONS
from projections.models import DeadLetter
from projections.views import checkpoints_of, program_of

__all__ = ["RebuildError", "Rebuilt", "rebuild"]


def rebuild(view: View, apis: Mapping[str, EventApi], patience: float = PATIENCE_S) -> Rebuilt:
    """Rebuild a view from its sources' event logs. Raises RebuildError; then the view is unchanged."""
    skipped = SkippedEvents(DeadLetter, program_of(view))
    with _alone(view):
        return rebuilding.rebuild(view, checkpoints_of(view), skipped, apis, patience)


@contextmanager
def _alone(view: View) -> Iterator[None]:
    with PROJECTIONS.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext('rebuild'), hashtext(%s))", [view.name])
        (taken,) = cursor.fetchone()
        if not taken:
            raise RebuildError(f"view {view.name} is being rebuilt by another process")
        try:
            yield
        finally:
            with suppress(DatabaseError):  # a lost connection has already released the lock
                cursor.execute("select pg_advisory_unlock(hashtext('rebuild'), hashtext(%s))", [view.name])
