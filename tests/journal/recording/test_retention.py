"""What is older than is kept is forgotten, and every moment that is kept stays what it was."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from journal.models import Entry, Flight, Mention, RowVersion, TableHash
from journal.reading import marks, moments, queries
from journal.recording.retention import Keep, prune
from tests.journal.index.test_indexer import change, index, record, wipe

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
LENGTH = 60


@pytest.fixture(autouse=True)
def tape(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A row that never changes, one that always does, and a message that lands at once."""
    monkeypatch.setattr("journal.recording.retention.BATCH", 7)
    monkeypatch.setattr("journal.recording.retention.LEAST", 5)
    record(1, "x", change("x_t", None, {"id": "old", "n": 0}))
    for pos in range(2, LENGTH + 1):
        row = {"id": "busy", "n": pos}
        message = {"id": f"00000000-0000-0000-0000-{pos:012}", "kind": "command", "type": "T"}
        causes = [f"00000000-0000-0000-0000-{pos - 1:012}"] if pos > 2 else []
        changes = [change("x_t", {"id": "busy"} if pos > 2 else None, row), change("x_outbox", None, message)]
        record(pos, "x", *changes, causes=causes)
        Mention.objects.create(correlation="b", pos=pos)
    index(batch=9)
    yield
    wipe()


def seen(pos: int) -> Any:
    return moments.state_at(pos, limit=LENGTH), moments.flights_at(pos), moments.totals_at(pos)


def prune_all(keep: Keep, indexed: int = LENGTH) -> int:
    turns = 1
    while prune(keep, indexed):
        turns += 1
        assert turns < 100
    return turns


def test_the_oldest_go_and_every_kept_moment_stays() -> None:
    before = {pos: seen(pos) for pos in range(40, LENGTH + 1)}
    assert prune_all(Keep(entries=20)) > 5
    assert marks.bounds() == (41, LENGTH)
    assert {pos: seen(pos) for pos in before} == before
    assert not Mention.objects.filter(pos__lte=40).exists()
    busy = RowVersion.objects.filter(from_pos__lte=40, key="busy")
    assert [version.to_pos for version in busy] == [41]
    assert list(Flight.objects.filter(from_pos__lte=40).values_list("to_pos", flat=True)) == [41]
    assert TableHash.objects.filter(pos__lt=40).count() == 0
    assert queries.last_pos() == LENGTH


def test_nothing_is_forgotten_before_it_is_indexed() -> None:
    prune_all(Keep(entries=20), indexed=15)
    assert marks.bounds() == (16, LENGTH)


def test_without_a_limit_nothing_is_forgotten_and_with_any_the_newest_stay() -> None:
    prune_all(Keep())
    assert Entry.objects.count() == LENGTH
    prune_all(Keep(bytes=1))
    assert marks.bounds() == (LENGTH - 4, LENGTH)


def test_a_burst_of_large_entries_does_not_make_all_of_them_count_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged by the newest alone, 60 small and 20 large entries would count as 80 large ones, 2 MB."""
    monkeypatch.setattr("journal.recording.retention.SAMPLE", 20)
    dice = Random(1)  # noqa: S311 (what cannot be compressed)
    for pos in range(LENGTH + 1, LENGTH + 21):
        record(
            pos, "x", change("x_t", {"id": "busy"}, {"id": "busy", "n": pos, "text": f"{dice.getrandbits(40_000):x}"})
        )
    index(batch=9)
    prune_all(Keep(bytes=1_200_000), indexed=LENGTH + 20)
    assert marks.bounds() == (1, LENGTH + 20)
    prune_all(Keep(bytes=60_000), indexed=LENGTH + 20)
    assert marks.bounds()[0] > 1
