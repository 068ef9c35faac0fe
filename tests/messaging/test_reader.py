"""The reader of event streams: what the stream loses, the event API gives; a slow commit is not skipped."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from django.db import connections
from redis import Redis

from messaging import catch_up, streams
from messaging.catch_up import EventApi, Page
from messaging.cursor import UNKNOWN, Cursor
from messaging.envelope import NewerContractError
from messaging.follow import CursorsMovedError, _retry, follow
from messaging.reader import Reader
from messaging.skipped import AT_ONCE, SkippedEvents
from seats.models import DeadLetter
from tests.event_source import EventSource, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["seats", "payments"], transaction=True)
PATIENCE = 15


@pytest.fixture
def seats(redis: Redis) -> Iterator[EventSource]:
    source = EventSource("seats", redis)
    with serving(source):
        yield source


class Keeper:
    """Keeps cursors and event types as a database would; `moved` and `refuse` make it difficult."""

    def __init__(self, *sources: str) -> None:
        self.cursors = {source: Cursor(source=source) for source in sources}
        self.types: list[str] = []
        self.saves = 0
        self.loads = 0
        self.moved = False
        self.refuse = ""
        self.why: type[Exception] = KeyError

    def load(self) -> list[Cursor]:
        self.loads += 1
        return list(self.cursors.values())

    def apply(self, envelopes: Any, cursors: Any, behind: dict[str, int]) -> None:
        if self.moved:
            self.moved = False
            raise CursorsMovedError("moved")
        types = [envelope["type"] for envelope in envelopes]
        if self.refuse in types:
            raise self.why(self.refuse)
        self.types += types
        self.cursors |= {cursor.source: cursor for cursor in cursors}
        self.saves += bool(cursors)

    def has(self, *types: str) -> Callable[[], bool]:
        return lambda: set(types) <= set(self.types)

    def whole(self, source: str = "seats") -> Callable[[], bool]:
        return lambda: self.cursors[source].complete and self.cursors[source].horizon > 0


@contextmanager
def following(keeper: Keeper, redis: Redis, *apis: EventApi) -> Iterator[None]:
    reader = Reader("test-reader", redis=redis, apis={api.source: api for api in apis})
    stop = threading.Event()

    def run() -> None:
        try:
            follow(reader, keeper.load, keeper.apply, stop.is_set, skipped=SkippedEvents(DeadLetter, reader.name))
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def emit(source: EventSource, *types: str) -> None:
    for version, type_ in enumerate(types, 1):
        source.emit(type_, {}, version)


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
        wait_until(keeper.whole(), PATIENCE, "nothing to be owed")


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
        wait_until(keeper.whole(), PATIENCE, "nothing to be owed")


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


def forged(**more: Any) -> bytes:
    """An event as the stream has it, but for what is wrong with it."""
    event = {"id": str(uuid.uuid4()), "source": "/seats", "type": "T", "kind": "event", "data": {}, "xid": "7"}
    return json.dumps({**event, "horizon": "7", **more}).encode()


NO_EVENTS = [
    b"{",
    b"[]",
    b"{}",
    b'{"id":"x","source":"/seats","type":"T","kind":"event","data":{}}',
    b"[" * 5000,
    forged(data={"n": "x" * 2_000_000}),
    forged(horizon=str(10**30)),
    forged(horizon=-1),
    forged(xid="9" * 6000),
    forged(horizon=None),
    forged(data={"n": json.loads("[" * 300 + "]" * 300)}),
    forged(type="\x00"),
]


@pytest.mark.parametrize("entry", NO_EVENTS, ids=lambda entry: entry[-20:])
def test_what_is_no_event_is_skipped_loudly_and_made_good(redis: Redis, seats: EventSource, entry: bytes) -> None:
    keeper = Keeper("seats")
    emit(seats, "Zeroth")
    seats.publish()
    with following(keeper, redis, seats.api()):
        wait_until(keeper.whole(), PATIENCE, "the reader to know where the stream is")
        redis.xadd("events.seats", {"e": entry})
        emit(seats, "First")
        seats.publish()
        wait_until(keeper.has("First"), PATIENCE, "the event after it")
        wait_until(keeper.whole(), PATIENCE, "the doubt to be settled")
        wait_until(lambda: redis.xlen("observations"), PATIENCE, "the skip to be told")
    entries: Any = redis.xrange("observations")
    observations = [json.loads(fields[b"o"]) for _, fields in entries]
    assert [one["kind"] for one in observations] == ["event_skipped"]
    assert DeadLetter.objects.get().state == "dead"


def test_an_event_that_cannot_be_applied_costs_only_itself(redis: Redis, seats: EventSource) -> None:
    keeper = Keeper("seats")
    keeper.refuse = "Bad"
    emit(seats, "First", "Bad", "Second")
    with following(keeper, redis, seats.api()):
        wait_until(keeper.has("First", "Second"), PATIENCE, "the good events")
        wait_until(keeper.whole(), PATIENCE, "the cursor to go on")
    assert redis.xlen("observations") == 1
    letter = DeadLetter.objects.get()
    assert (letter.type, letter.state, letter.envelope["skippedby"]) == ("Bad", "dead", "test-reader")
    assert "KeyError('Bad')" in letter.attempts[0]["error"]


def test_a_skipped_event_is_applied_again_when_a_person_says_so(redis: Redis, seats: EventSource) -> None:
    keeper = Keeper("seats")
    keeper.refuse = "Bad"
    emit(seats, "Bad")
    with following(keeper, redis, seats.api()):
        letter = wait_until(lambda: DeadLetter.objects.filter(state="dead"), PATIENCE, "its letter")[0]
        changed = {**letter.envelope, "id": str(uuid.uuid4())}  # edited by a person who should not have
        DeadLetter.objects.update(state="retried", envelope=changed)
        wait_until(lambda: len(DeadLetter.objects.get().attempts) == 2, PATIENCE, "a second attempt to fail")
        assert DeadLetter.objects.get().state == "dead"
        keeper.refuse = ""
        DeadLetter.objects.update(state="retried")
        wait_until(lambda: DeadLetter.objects.get().state == "cleared", PATIENCE, "the letter to be cleared")
    assert keeper.types == ["Bad"]
    assert str(letter.pk) != seats.events()[0]["id"]  # two readers may leave the same event out


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
        patch.setattr("messaging.follow.checked_event", lambda event: event)
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


class TestCursor:
    """The rules themselves, without any input or output."""

    start = Cursor(source="seats", stream_id="1-0", event_id="a", horizon=10, owed=5)

    def event(self, **fields: Any) -> dict[str, Any]:
        return {"id": "b", "prev": "a", "horizon": "20", **fields}

    def test_a_chained_event_moves_the_horizon(self) -> None:
        assert self.start.streamed("2-0", self.event()) == replace(
            self.start, stream_id="2-0", event_id="b", horizon=20
        )

    def test_the_same_event_again_breaks_no_chain(self) -> None:
        assert self.start.streamed("2-0", self.event(id="a", prev="0")).complete

    @pytest.mark.parametrize("prev", ["", "other", None])
    def test_a_broken_chain_owes_up_to_nobody_knows_where(self, prev: str | None) -> None:
        broken = self.start.streamed("2-0", self.event(prev=prev))
        assert (broken.horizon, broken.owed, broken.complete) == (10, UNKNOWN, False)
        assert broken.streamed("3-0", self.event(id="c", prev="b", horizon="30")).horizon == 10

    def test_what_is_owed_is_known_only_from_an_answer_asked_for_after_the_doubt(self) -> None:
        page = Page(after=10, events=[], horizon=15, xmax=40, more=False)
        doubt = self.start.in_doubt()
        assert doubt.caught_up(page, settles=False).owed == UNKNOWN
        settling = doubt.caught_up(page, settles=True)
        assert (settling.horizon, settling.owed, settling.complete) == (15, 40, False)
        assert settling.caught_up(replace(page, after=15, horizon=40, xmax=50), settles=True).complete
