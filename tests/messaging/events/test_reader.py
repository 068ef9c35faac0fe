"""The reader of event streams: what the stream loses, the event API gives; a slow commit is not skipped."""

from itertools import count
from typing import Any

import pytest
from redis import Redis

from messaging.envelope import NewerContractError
from messaging.events import catch_up, streams
from messaging.events.cursor import Cursor
from messaging.events.follow import _retry
from messaging.events.skipped import AT_ONCE, SkippedEvents
from seats.models import DeadLetter
from tests.event_source import EventSource, serving
from tests.messaging.events.following import PATIENCE, Keeper, emit, following
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["seats", "payments"], transaction=True)


def test_a_whole_chain_needs_no_event_api(redis: Redis, seats: EventSource) -> None:
    emit(seats, "First")
    seats.publish()
    keeper = Keeper("seats")
    with following(keeper, redis, seats.api()):
        wait_until(lambda: keeper.has("First")() and keeper.whole()(), PATIENCE, "the catch-up at the start")
        asked = len(seats.requests)
        emit(seats, "Second", "Third")
        seats.publish()
        wait_until(keeper.has("Second", "Third"), PATIENCE, "the streamed events")
        assert len(seats.requests) == asked
        assert keeper.types == ["First", "Second", "Third"]
        last = seats.events()[-1]
        assert keeper.cursors["seats"].event_id == last["id"]
        assert keeper.cursors["seats"].horizon >= int(last["horizon"])


def test_an_event_lost_by_the_stream_is_caught_up(redis: Redis, seats: EventSource) -> None:
    emit(seats, "First")
    seats.publish()
    keeper = Keeper("seats")
    with following(keeper, redis, seats.api()):
        wait_until(lambda: keeper.has("First")() and keeper.whole()(), PATIENCE, "the start")
        emit(seats, "Lost", "Second")
        seats.publish(lose=("Lost",))
        wait_until(keeper.has("Lost", "Second"), PATIENCE, "the lost event")
        wait_until(keeper.whole(), PATIENCE, "nothing to be pending")


def test_the_last_event_lost_is_found_in_the_silence_after_it(redis: Redis, seats: EventSource) -> None:
    keeper = Keeper("seats")
    emit(seats, "First")
    with following(keeper, redis, seats.api()):
        wait_until(keeper.has("First"), PATIENCE, "the start")
        emit(seats, "Lost")
        seats.publish(lose=("First", "Lost"))
        wait_until(keeper.has("Lost"), PATIENCE, "the idle check")


def test_a_slow_commit_is_not_skipped(redis: Redis, seats: EventSource) -> None:
    keeper = Keeper("seats")
    with following(keeper, redis, seats.api()):
        with seats.slowly("Slow", {}, 1):
            emit(seats, "Quick")
            seats.publish(restarted=True)  # a gap, so that the reader asks while Slow is still open
            wait_until(keeper.has("Quick"), PATIENCE, "the quick one")
            asked = len(seats.requests)
            wait_until(lambda: len(seats.requests) > asked + 1, PATIENCE, "the reader to ask again")
            assert not keeper.whole()()
            assert "Slow" not in keeper.types
        quick, slow = (next(event for event in seats.events() if event["type"] == name) for name in ("Quick", "Slow"))
        assert int(slow["xid"]) < int(quick["xid"])
        seats.publish(lose=("Slow",))  # only the event log can tell of it
        wait_until(keeper.has("Slow"), PATIENCE, "the slow commit")
        wait_until(keeper.whole(), PATIENCE, "nothing to be pending")


def test_redis_emptied_and_with_an_older_clock(redis: Redis, seats: EventSource) -> None:
    keeper = Keeper("seats")
    emit(seats, "First")
    seats.publish()
    with following(keeper, redis, seats.api()):
        wait_until(keeper.has("First"), PATIENCE, "the start")
        emit(seats, "Second")
        seats.publish()
        wait_until(keeper.has("Second"), PATIENCE, "the second event")
        redis.flushdb()
        emit(seats, "Lost", "Third")
        ids = (f"1-{number}" for number in count(1))
        seats.publish(lose=("Lost",), ids=ids)
        wait_until(keeper.has("Lost", "Third"), PATIENCE, "what came after the loss")
        wait_until(lambda: keeper.cursors["seats"].stream_id == "1-1", PATIENCE, "the reader to follow the new stream")
        emit(seats, "Fourth")
        seats.publish(ids=ids)
        wait_until(keeper.has("Fourth"), PATIENCE, "an event on the new stream")


def test_a_source_that_is_down_holds_up_no_other(redis: Redis, seats: EventSource) -> None:
    payments = EventSource("payments", redis)
    payments.down = True
    keeper = Keeper("seats", "payments")
    emit(payments, "Paid")
    with serving(payments), following(keeper, redis, seats.api(), payments.api()):
        emit(seats, "First")
        seats.publish()
        wait_until(keeper.has("First"), PATIENCE, "the source that is up")
        wait_until(keeper.whole(), PATIENCE, "the source that is up to be whole")
        assert "Paid" not in keeper.types
        payments.down = False
        wait_until(keeper.has("Paid"), PATIENCE, "the source that came back")


def test_a_source_that_is_slow_is_asked_for_less(
    redis: Redis, seats: EventSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "TIMEOUT", 0.3)
    emit(seats, "First", "Second")
    seats.most = 100
    keeper = Keeper("seats")
    with following(keeper, redis, seats.api()):
        wait_until(keeper.has("First", "Second"), PATIENCE, "a page that is small enough")
        seats.too_slow.set()


@pytest.mark.parametrize("by", ["a newer reader starts", "its time is over"])
def test_an_event_of_a_newer_version_waits_and_is_applied_by_itself(
    redis: Redis, seats: EventSource, settings: Any, by: str
) -> None:
    settings.LETTER_LONGEST_RETRY_S = 0.0 if by == "its time is over" else 300.0
    keeper = Keeper("seats")
    keeper.refuse, keeper.why = "Newer", NewerContractError
    emit(seats, "Newer", "Second")
    with following(keeper, redis, seats.api()):
        wait_until(keeper.has("Second"), PATIENCE, "the other event")
        first = wait_until(lambda: DeadLetter.objects.filter(state="retrying"), PATIENCE, "its letter")[0]
        if by == "its time is over":
            wait_until(lambda: DeadLetter.objects.get().updated_at > first.updated_at, PATIENCE, "another attempt")
            assert (DeadLetter.objects.get().state, len(DeadLetter.objects.get().attempts)) == ("retrying", 1)
            keeper.refuse = ""
            wait_until(lambda: DeadLetter.objects.get().state == "cleared", PATIENCE, "the event to be applied")
    if by == "a newer reader starts":
        keeper.refuse = ""
        with following(keeper, redis, seats.api()):
            wait_until(lambda: DeadLetter.objects.get().state == "cleared", PATIENCE, "the event to be applied")
    assert keeper.types == ["Second", "Newer"]


def test_a_waiting_event_that_fails_for_another_reason_is_dead(redis: Redis, seats: EventSource) -> None:
    keeper = Keeper("seats")
    keeper.refuse, keeper.why = "Newer", NewerContractError
    emit(seats, "Newer")
    with following(keeper, redis, seats.api()):
        wait_until(lambda: DeadLetter.objects.filter(state="retrying"), PATIENCE, "its letter")
    keeper.why = KeyError
    with following(keeper, redis, seats.api()):
        wait_until(lambda: DeadLetter.objects.get().state == "dead", PATIENCE, "the letter to be a person's")
    assert "KeyError" in DeadLetter.objects.get().attempts[-1]["error"]


def test_more_waiting_events_than_one_look_takes(redis: Redis) -> None:
    letters = SkippedEvents(DeadLetter, "test-reader")
    assert letters.due() == []
    for number in range(AT_ONCE + 1):
        event = {"id": str(number), "type": "Newer", "data": {}}
        letters.record(event, "seats", NewerContractError("2.0"))
    applied: list[int] = []
    assert _retry(lambda events, cursors, behind: applied.append(1), letters) is False  # this reader has tried them
    letters = SkippedEvents(DeadLetter, "test-reader")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("messaging.events.follow.checked_event", lambda event: event)
        assert _retry(lambda events, cursors, behind: applied.append(1), letters) is True
        assert _retry(lambda events, cursors, behind: applied.append(1), letters) is False
    assert len(applied) == AT_ONCE + 1
    assert set(DeadLetter.objects.values_list("state", flat=True)) == {"cleared"}


def test_moved_cursors_are_loaded_again(redis: Redis, seats: EventSource) -> None:
    keeper = Keeper("seats")
    with following(keeper, redis, seats.api()):
        emit(seats, "First")
        seats.publish()
        wait_until(keeper.has("First"), PATIENCE, "the start")
        keeper.moved = True
        keeper.cursors["seats"] = Cursor(source="seats")
        keeper.types.clear()
        emit(seats, "Second")
        seats.publish()
        wait_until(keeper.has("First", "Second"), PATIENCE, "both events, once more")
        assert keeper.loads == 2


def test_a_check_that_finds_nothing_writes_nothing(redis: Redis, seats: EventSource) -> None:
    keeper = Keeper("seats")
    emit(seats, "First")
    seats.publish()
    with following(keeper, redis, seats.api()):
        wait_until(keeper.whole(), PATIENCE, "the start")
        saves, asked = keeper.saves, len(seats.requests)
        wait_until(lambda: len(seats.requests) >= asked + 2, PATIENCE, "two idle checks")
        assert keeper.saves == saves


def test_entries_after_counts_what_is_left(redis: Redis) -> None:
    ids = [redis.xadd("events.seats", {"e": "{}"}) for _ in range(5)]
    assert streams.entries_after(redis, "events.seats", ids[1].decode()) == 3  # type: ignore[union-attr]
    assert streams.entries_after(redis, "events.seats", "0-0") == 5
