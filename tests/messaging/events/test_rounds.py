"""How a reader rests: single events are applied at once, those of a stream share a transaction, and a backlog does not wait."""

from typing import Any

import pytest
from redis import Redis

from messaging.events import catch_up, follow, reader
from messaging.events.reader import Reader
from messaging.process import pacing
from tests.event_source import EventSource
from tests.messaging.events.following import PATIENCE, Keeper, emit, following
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["seats", "payments"], transaction=True)
LONG_S = 0.75 * PATIENCE  # so that a test's thread still ends
SOON_S = 0.5 * PATIENCE


class Batches(Keeper):
    """Remembers what came in one transaction."""

    def __init__(self, *sources: str) -> None:
        super().__init__(*sources)
        self.batches: list[list[str]] = []

    def apply(self, envelopes: Any, cursors: Any, behind: dict[str, int]) -> None:
        super().apply(envelopes, cursors, behind)
        self.batches.append([envelope["type"] for envelope in envelopes])


def in_a_stream(monkeypatch: pytest.MonkeyPatch, longest_s: float) -> None:
    """Every event is one of a stream, and each round is the longest."""
    monkeypatch.setattr(follow, "LONGEST_ROUND_S", longest_s)
    monkeypatch.setattr(follow, "ONE_AFTER_ANOTHER", 0)
    monkeypatch.setattr(pacing, "FOR_A_SECOND", 1e-6)


def test_single_events_do_not_wait(redis: Redis, seats: EventSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LONGEST_ROUND_S", LONG_S)
    monkeypatch.setattr(pacing, "FOR_A_SECOND", 1e-6)
    keeper = Batches("seats")
    with following(keeper, redis, seats.api()):
        for number in range(10):
            emit(seats, f"Event{number}")
            seats.publish()
            wait_until(keeper.has(f"Event{number}"), SOON_S, "each event before the next one is there")


def test_events_that_follow_one_closely_share_a_transaction(
    redis: Redis, seats: EventSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_stream(monkeypatch, 2.0)
    keeper = Batches("seats")
    with following(keeper, redis, seats.api()):
        emit(seats, "First")
        seats.publish()
        wait_until(keeper.has("First"), PATIENCE, "the first event")
        for name in ("Second", "Third", "Fourth"):
            emit(seats, name)
            seats.publish()
        wait_until(keeper.has("Fourth"), PATIENCE, "those that follow")
    # A reader may read an event again that it has applied, for example from the event log.
    assert ["Second", "Third", "Fourth"] in [batch[-3:] for batch in keeper.batches], keeper.batches


def test_a_backlog_is_read_without_a_rest(redis: Redis, seats: EventSource, monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_stream(monkeypatch, LONG_S)
    monkeypatch.setattr(catch_up, "PAGE", 2)
    emit(seats, *(f"Event{number}" for number in range(7)))
    seats.publish()
    keeper = Batches("seats")
    with following(keeper, redis, seats.api()):
        wait_until(keeper.has("Event5"), SOON_S, "the pages of the event log")
        assert len(keeper.batches) >= 3


def test_a_full_read_of_a_stream_says_that_there_is_more(
    redis: Redis, seats: EventSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "COUNT", 2)
    one = Reader("test-reader", redis=redis, apis={"seats": seats.api()})
    emit(seats, "Zeroth")
    one.start(Keeper("seats").cursors.values())
    wait_until(lambda: one.read().envelopes, PATIENCE, "the answer of the event log")
    emit(seats, "First", "Second")
    seats.publish()
    found = [one.read(), one.read()]
    assert [(len(batch.envelopes), batch.more) for batch in found] == [(2, True), (1, False)]
    one.close()
