"""The control of tests/journal/recording/test_ordering.py: without waiting for causes, an effect is found before its cause."""

from typing import Any

from hypothesis import Phase, find, settings

from journal.recording.ordering import Ordering, _Log
from tests.journal.recording.test_ordering import histories


class Hasty(Ordering):
    """Places whatever has come, the one committed first first: a merge by commit time."""

    def _may_go(self, log: _Log, now: float) -> bool:
        return True


def out_of_order(kind: type[Ordering], both: tuple[list[Any], list[Any]]) -> bool:
    """Whether an effect is placed before its cause, or two of one log the wrong way round."""
    history, read = both
    ordering, placed = kind(), []
    for one in read:
        ordering.add(one, now=0)
        placed += ordering.release(now=0)
    position = {one.candidate.emits[0]: one.pos for one in placed}
    missing = len(placed) != len(history)
    return missing or any(position[cause] > one.pos for one in placed for cause in one.candidate.causes)


def test_merged_by_arrival_and_commit_time_an_effect_precedes_its_cause() -> None:
    quick = settings(max_examples=500, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    both = find(histories(), lambda both: out_of_order(Hasty, both), settings=quick)
    assert not out_of_order(Ordering, both)
