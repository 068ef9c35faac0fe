"""When the index may take the recorder's time."""

import pytest

from journal.recording.maintenance import BEHIND_S, INDEX_LAG, Maintenance
from journal.recording.retention import Keep

pytestmark = pytest.mark.django_db(databases=["journal"])


def test_an_index_that_is_far_behind_takes_turns_with_recording_unless_that_is_late_itself() -> None:
    maintenance = Maintenance(Keep(entries=10**9, bytes=10**12))
    far = maintenance.indexed + INDEX_LAG + 1
    maintenance._rested_at = float("inf")  # it has had its small share
    assert maintenance.due(far, busy=True)
    assert not maintenance.due(far - 1, busy=True), "the control: not far enough"
    assert not maintenance.due(far, busy=True, behind_s=BEHIND_S)
    assert maintenance.due(far, busy=False, behind_s=BEHIND_S), "there is nothing to record"
    maintenance._rested_at = 0.0
    assert maintenance.due(far, busy=True, behind_s=BEHIND_S), "a small share it has always"
