"""What a reader leaves out: an entry that is no event, an event that cannot be applied. Each is told of, costs only itself."""

import json
import uuid
from typing import Any

import pytest
from redis import Redis

from seats.models import DeadLetter
from tests.event_source import EventSource
from tests.messaging.events.following import PATIENCE, Keeper, emit, following
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["seats", "payments"], transaction=True)


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
