"""One bad message harms no other: batches, isolation, dead letters."""

import base64
import json
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import orjson
import psycopg
import pytest
from django.db import connections
from redis import Redis
from redis import TimeoutError as RedisTimeoutError

from faults import Fault, Plan, Point, arm
from faults.points import Action
from messaging.database import Database
from messaging.inbox import dead_letters
from messaging.inbox.batch import KILLS, Inbox, NotVisibleError
from messaging.outbox.append import Message
from messaging.process.redis import redis_client
from payments.models import DeadLetter, Outbox
from tests.breaking import locked, read_only
from tests.messages import new_id, sent

pytestmark = pytest.mark.django_db(databases=["payments"], transaction=True)


ROW = "019a0000-0000-7000-8000-00000000000a"


class Business:
    """Publishes the name in each message's data; cannot bear the name `bad`, and dies of the name `deadly`."""

    def __init__(self, redis: Redis) -> None:
        self.batches: list[int] = []
        self.visible_after = 3  # attempts
        self.inbox = Inbox(service="payments", dead_letter=DeadLetter, process=self.process, redis=lambda: redis)

    def process(self, db: Database, envelopes: Sequence[dict], plan: Plan) -> None:
        self.batches.append(len(envelopes))
        names = [envelope["data"]["name"] for envelope in envelopes]
        db.append(Outbox, [Message(kind="event", type=name, data={}) for name in names])
        if "deadly" in names:
            raise KeyboardInterrupt
        if "early" in names and len(self.batches) < self.visible_after:
            raise NotVisibleError("not there")
        if "locks" in names:
            DeadLetter.objects.select_for_update().get(pk=ROW)
        if "bad" in names:
            raise ValueError("cannot bear this")

    def take(self, *envelopes: object, redelivered: bool = False) -> None:
        self.inbox.handle(list(envelopes), redelivered)

    def deliver_until_done(self, *envelopes: dict) -> int:
        """As a broker would: deliver again what killed its worker. Returns how many workers died."""
        deaths = 0
        while True:
            try:
                self.take(*envelopes, redelivered=deaths > 0)
            except KeyboardInterrupt:
                deaths += 1
            else:
                return deaths


@pytest.fixture
def business(redis: Redis) -> Business:
    return Business(redis)


def message(name: str) -> dict:
    return {"id": new_id(), "source": "/booking", "type": "Say", "kind": "command", "data": {"name": name}}


def published() -> list[str]:
    return [row.type for row in sent(Outbox)]


def test_a_batch_is_one_transaction(business: Business) -> None:
    business.take(message("a"), message("b"), message("c"))
    assert business.batches == [3]
    assert published() == ["a", "b", "c"]
    assert len({row.xid for row in sent(Outbox)}) == 1


def test_what_comes_before_its_transaction_can_be_seen_waits_for_it(business: Business) -> None:
    business.take(message("early"), message("b"))
    assert business.batches == [2, 2, 2]
    assert published() == ["early", "b"]
    assert not DeadLetter.objects.exists()


def test_what_never_becomes_visible_is_a_dead_letter(business: Business) -> None:
    business.visible_after = 10**9
    business.take(message("early"))
    assert published() == []
    assert "NotVisibleError: not there" in str(DeadLetter.objects.get().attempts)


def test_a_bad_message_is_isolated_and_the_others_go_through(business: Business) -> None:
    bad = message("bad")
    business.take(message("a"), bad, message("c"))
    assert business.batches == [3, 1, 1, 1]
    assert published() == ["a", "c"]
    letter = DeadLetter.objects.get()
    assert (str(letter.pk), letter.state, letter.envelope) == (bad["id"], "retrying", bad)
    assert letter.attempts[0]["error"] == "ValueError: cannot bear this"


def test_every_attempts_error_is_kept_until_the_message_is_dead(business: Business) -> None:
    bad = message("bad")
    for _ in range(dead_letters.LIMIT):
        business.take(bad)
    letter = DeadLetter.objects.get()
    assert (letter.state, len(letter.attempts)) == ("dead", dead_letters.LIMIT)


@pytest.mark.parametrize(
    "wrong",
    [
        "not an object",
        None,
        {},
        {"id": "not-a-uuid", "source": "/x", "type": "Say", "kind": "command", "data": {}},
        {"id": 7, "source": "/x", "type": "Say", "kind": "command", "data": {}},
        {"id": "0198c0de-0000-7000-8000-000000000001", "source": "/x", "type": "Say", "kind": "command", "data": []},
        {"type": "nul\x00", "data": "\x00"},
    ],
)
def test_what_is_no_envelope_is_dead_at_once_and_the_others_go_through(business: Business, wrong: object) -> None:
    business.take(message("a"), wrong)
    assert published() == ["a"]
    assert DeadLetter.objects.get().state == "dead"


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"n": found}
    return found


NOT_STORABLE = {
    "nul": "nul\x00",
    "half a character": "\ud800",
    "too many digits": 10**5000,
    "no number": float("nan"),
    "deep": nested(120),
    "as deep as json writes": nested(700),
    "deeper than any parser goes": nested(5000),
    "a list": [[[nested(300)]]],
    "large": "x" * 2_000_000,
}


@pytest.mark.parametrize("name", NOT_STORABLE.values(), ids=NOT_STORABLE.keys())
def test_what_not_everybody_could_keep_is_dead_at_once_and_the_letter_can_be_read(
    business: Business, name: object
) -> None:
    wrong = {**message("a"), "data": {"name": name}, "correlationid": "b" * 5000, "type": "T" * 5000}
    business.take(message("a"), wrong, message("b"))
    assert published() == ["a", "b"]
    letter = DeadLetter.objects.get()
    assert (letter.state, str(letter.id)) == ("dead", wrong["id"])
    assert [len(letter.type), len(letter.booking_id)] == [500, 500]
    text = orjson.dumps(letter.envelope)  # as the recorder writes it
    assert len(text) < 200_000
    assert "name" in str(letter.envelope)


def test_what_kills_its_worker_is_found_and_the_others_go_through(business: Business) -> None:
    deadly = message("deadly")
    deaths = business.deliver_until_done(message("a"), deadly, message("c"))
    assert deaths == KILLS
    assert published().count("c") == 1
    letter = DeadLetter.objects.get()
    assert (str(letter.pk), letter.state) == (deadly["id"], "dead")
    assert letter.attempts[0]["error"] == f"its worker died {KILLS} times"


def test_a_message_that_comes_again_without_killing_is_not_held_against_it(business: Business) -> None:
    """The broker also delivers again what merely took long."""
    late = message("a")
    for _ in range(KILLS + 2):
        business.take(late, redelivered=True)
    assert published() == ["a"] * (KILLS + 2)
    assert not DeadLetter.objects.exists()


def test_an_armed_fault_strikes_its_message_alone(business: Business, redis: Redis) -> None:
    arm(redis, Fault(point=Point.TRANSACTION_INSIDE, action=Action.ERROR, service="payments", booking="b2"))
    others = [{**message(name), "correlationid": "b1"} for name in ("a", "c")]
    business.take(others[0], {**message("b"), "correlationid": "b2"}, others[1])
    assert business.batches == [1, 1, 1]
    assert published() == ["a", "c"]
    assert "InjectedError" in DeadLetter.objects.get().attempts[0]["error"]


def test_a_database_that_is_away_for_a_moment_is_waited_for(business: Business) -> None:
    with connections["payments"].cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (backend,) = cursor.fetchone()
    parameters = connections["payments"].get_connection_params()
    keys = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{key: parameters[key] for key in keys}, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", [backend])
    business.take(message("a"))
    assert published() == ["a"]
    assert not DeadLetter.objects.exists()


def test_a_database_that_is_read_only_for_a_while_is_waited_for(business: Business) -> None:
    with ExitStack() as stack:
        stack.enter_context(read_only("payments"))
        connections["payments"].close()
        over = threading.Timer(1.0, stack.close)
        over.start()
        business.take(message("a"), message("bad"), message("c"))
        over.join()
    assert published() == ["a", "c"]
    assert DeadLetter.objects.get().attempts[0]["error"] == "ValueError: cannot bear this"


def test_redis_that_is_away_for_a_moment_is_waited_for(business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh, asked = Plan.refresh, []

    def away_at_first(plan: Plan) -> Plan:
        asked.append(plan)
        if len(asked) < 3:
            raise RedisTimeoutError("frozen")
        return refresh(plan)

    monkeypatch.setattr(Plan, "refresh", away_at_first)
    business.take(message("a"))
    assert published() == ["a"]


class TestLocks:
    """A row that somebody else has locked: `locks` names the messages that need it."""

    @pytest.fixture(autouse=True)
    def _bounded(self, business: Business) -> None:
        with connections["payments"].cursor() as cursor:
            cursor.execute("set lock_timeout = '300ms'")
        dead_letters.record(Database("payments"), DeadLetter, {"id": ROW, "data": {}}, "a row to lock", dead=True)

    def test_it_harms_those_who_need_it_and_not_their_batch(self, business: Business) -> None:
        with locked("payments", f"select from payments_deadletter where id = '{ROW}' for update"):
            business.take(message("a"), message("locks"), message("c"))
            assert published() == ["a", "c"]
            (waiting,) = queued()
            assert (waiting["data"], "lockedsince" in waiting) == ({"name": "locks"}, True)
            business.take(waiting, message("d"))
            assert published() == ["a", "c", "d"]
        (again,) = queued()
        business.take(again)
        assert published() == ["a", "c", "d", "locks"]
        assert DeadLetter.objects.count() == 1, "nothing has failed"

    def test_a_lone_message_makes_way_for_those_that_come_after_it(self, business: Business) -> None:
        with locked("payments", f"select from payments_deadletter where id = '{ROW}' for update"):
            began = time.monotonic()
            business.take(message("locks"))
            assert time.monotonic() - began < 5
            assert [one["data"]["name"] for one in queued()] == ["locks"]


def queued() -> list[dict]:
    """The envelopes on the service's own queue, taken from it; the broker is the run's, not this folder's Redis."""
    redis: Any = redis_client()
    found: list[dict] = []
    while (raw := redis.rpop("payments")) is not None:
        (envelopes,), _, _ = json.loads(base64.b64decode(json.loads(raw)["body"]))
        found += envelopes
    return found
