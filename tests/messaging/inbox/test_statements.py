"""The SQL of a local transaction, kept for the page."""

import pytest
from django.db import connections, transaction
from redis import Redis

from messaging.database import Database
from messaging.inbox.statements import MOST, SQL_LENGTH, Allowance, Statements, kept, key

pytestmark = pytest.mark.django_db(transaction=True, databases=["payments"])


@pytest.fixture(autouse=True)
def _allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever other tests of this process have taken in just before."""
    monkeypatch.setattr("messaging.inbox.statements._ALLOWANCE", Allowance(burst=10, rate=1e-6))


def work(statements: int = 1, text: str = "x", *, alone: bool = True, fail: bool = False) -> tuple[Statements, int]:
    with transaction.atomic(using="payments"), Statements.of(Database("payments"), [{}] if alone else [{}, {}]) as told:
        with connections["payments"].cursor() as cursor:
            cursor.execute("select pg_current_xact_id()::text")
            xid = int(cursor.fetchone()[0])
            for _ in range(statements):
                cursor.execute("select %s::text", [text])
        if fail:
            raise RuntimeError("it rolls back")
    return told, xid


def test_a_message_alone_leaves_its_statements(redis: Redis) -> None:
    told, xid = work()
    assert kept(redis, "payments", xid) == []
    told.keep(redis)
    first, second = kept(redis, "payments", xid)
    assert first["sql"] == "select pg_current_xact_id()::text"
    assert (second["sql"], second["params"], second["rows"]) == ("select %s::text", ["x"], 1)
    assert 0 < redis.ttl(key("payments", xid)) <= 3600


def test_a_batch_leaves_none_and_is_not_watched(redis: Redis) -> None:
    told, xid = work(alone=False)
    told.keep(redis)
    assert kept(redis, "payments", xid) == []


def test_under_load_few_are_watched() -> None:
    allowance = Allowance(burst=3, rate=1e-6)
    assert [allowance.take() for _ in range(5)] == [True, True, True, False, False]
    often = Allowance(burst=1, rate=1e9)
    assert [often.take() for _ in range(5)] == [True] * 5


def test_sizes_are_bounded(redis: Redis) -> None:
    told, xid = work(MOST + 5, "long " * SQL_LENGTH)
    told.keep(redis)
    found = kept(redis, "payments", xid)
    assert len(found) == MOST
    assert all(len(one["params"][0]) <= 400 for one in found[1:])


def test_a_rollback_leaves_none(redis: Redis) -> None:
    with pytest.raises(RuntimeError):
        work(fail=True)
    assert redis.keys("statements:*") == []


def test_redis_away_harms_nothing() -> None:
    told, xid = work()
    away = Redis(port=1)
    told.keep(away)
    assert kept(away, "payments", xid) == []


def test_what_only_reads_has_no_number(redis: Redis) -> None:
    with (
        transaction.atomic(using="payments"),
        Statements.of(Database("payments"), [{}]) as told,
        connections["payments"].cursor() as cursor,
    ):
        cursor.execute("select 1")
    told.keep(redis)
    assert redis.keys("statements:*") == []
