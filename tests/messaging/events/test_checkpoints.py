"""Saved cursors, in a table that several views share with their lag, and in one that has neither."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from booking.models import ReplicaCheckpoint
from messaging.events.checkpoints import Checkpoints
from messaging.events.cursor import Cursor
from projections.models import Checkpoint

pytestmark = pytest.mark.django_db(databases=["booking", "projections"])
SOURCES = ("seats", "payments")
READ = Cursor(source="seats", stream_id="5-0", event_id="e", horizon=7, pending=9)


def tables() -> list[Checkpoints]:
    return [Checkpoints(Checkpoint, "one"), Checkpoints(ReplicaCheckpoint)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_cursor_is_saved_by_its_source_and_set_back(number: int) -> None:
    saved = tables()[number]
    beginning = {source: Cursor(source=source) for source in sorted(SOURCES)}
    saved.ensure(SOURCES)
    assert saved.read() == beginning
    saved.save([READ], applied={"seats": 3}, times={}, behind={})
    saved.ensure(SOURCES)
    with transaction.atomic(using=saved.db.alias):
        assert saved.lock() == {**beginning, "seats": READ}
    saved.reset(["seats"])
    assert saved.read() == beginning


def test_views_that_share_a_table_leave_each_other_alone() -> None:
    one, other = (Checkpoints(Checkpoint, view) for view in ("one", "other"))
    for saved in (one, other):
        saved.ensure(["seats"])
        saved.save([READ], applied={}, times={}, behind={})
    one.reset(["seats"])
    assert (one.read()["seats"], other.read()["seats"]) == (Cursor(source="seats"), READ)


def test_events_are_counted_in_both_and_the_lag_where_there_are_columns_for_it() -> None:
    ago = datetime.now(UTC) - timedelta(seconds=5)
    for saved in tables():
        saved.ensure(["seats"])
        for applied in (3, 4):
            saved.save([READ], applied={"seats": applied}, times={"seats": ago}, behind={"seats": 2})
    assert [model.objects.get().applied for model in (Checkpoint, ReplicaCheckpoint)] == [7, 7]
    row = Checkpoint.objects.get()
    assert row.behind == 2
    assert 4_000 < row.lag_ms < 60_000
    Checkpoints(Checkpoint, "one").save([READ], applied={}, times={}, behind={})
    assert Checkpoint.objects.get().lag_ms == row.lag_ms, "no event changed a row"
