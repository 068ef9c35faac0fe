"""The database handle: the same statements over Django's alias and over a psycopg connection whose owner ends its transaction."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import psycopg
import pytest
from django.db import connections
from psycopg.rows import dict_row

from config.house import HOUSE
from config.router import OwnershipError
from messaging.database import Database, RawDatabase, from_json
from messaging.outbox.append import Message, OutboxError
from payments.models import Outbox, PaymentMethod
from tests.messages import new_id, sent

pytestmark = pytest.mark.django_db(databases=["payments"], transaction=True)
Connect = Callable[..., psycopg.Connection]
MADE = "create temporary table kept (id int primary key, body jsonb) on commit preserve rows"


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens connections of one's own to the database that Django knows as `payments`."""
    with ExitStack() as opened:
        known = connections["payments"].get_connection_params()
        address = {key: known[key] for key in ("host", "port", "user", "password", "dbname")}
        yield lambda **options: opened.enter_context(psycopg.connect(**address, **options))


@pytest.fixture(params=["alias", "raw"])
def db(request: pytest.FixtureRequest, connect: Connect) -> Database:
    """The raw connection returns dictionaries to its owner; the handle returns tuples all the same."""
    alias = request.param == "alias"
    return Database("payments") if alias else RawDatabase(connect(autocommit=True, row_factory=dict_row))


class Undone(Exception):
    """Leaves a block that is to be rolled back."""


@contextmanager
def undone(db: Database) -> Iterator[None]:
    with suppress(Undone), db.atomic():
        yield
        raise Undone


def event(**more: object) -> Message:
    return Message(kind="event", type="Paid", data={"amount": 1}, **more)  # type: ignore[arg-type]


def test_a_statement_returns_the_same_over_either(db: Database) -> None:
    """Parameters of every sort that a local transaction binds, and values of every sort that it reads."""
    statement = """
        select %(text)s, %(text)s = any (%(texts)s), %(number)s + 1, %(id)s::uuid, %(body)s::jsonb, %(flag)s, %(none)s::text,
            %(seconds)s * interval '1 second' = interval '2.5 seconds', now() at time zone 'UTC' < %(at)s, 3::bigint as last
    """
    booking = new_id()
    parameters = {
        "text": "free", "texts": ["free", "sold"], "number": 1, "id": booking, "body": '{"a": [1]}', "flag": True, "none": None,
        "seconds": 2.5, "at": datetime(2190, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    ((*row, last),) = db.rows(statement, parameters)
    assert row == ["free", True, 2, UUID(booking), '{"a": [1]}', True, None, True, True]
    assert from_json(row[4]) == {"a": [1]}
    assert from_json(row[6]) is None
    assert last == db.named("select 3 as last")[0]["last"]
    assert db.row("select 1 where false") is None
    assert db.row("select 1, 2 union all select 3, 4") == (1, 2)


def test_what_leaves_a_block_by_an_exception_is_rolled_back(db: Database) -> None:
    with undone(db):
        assert db.in_transaction
        db.run(MADE)
        assert db.run("insert into kept (id) select * from generate_series(1, 3)") == 3
        with undone(db):  # a savepoint: the rest stands
            assert db.run("delete from kept") == 3
        assert db.rows("update kept set body = '[]' where id > %s returning id", [1]) == [(2,), (3,)]
    assert not db.in_transaction
    assert db.row("select to_regclass('kept')") == (None,)


def test_messages_commit_with_the_rows_or_not_at_all(db: Database) -> None:
    with pytest.raises(OutboxError, match="payments_outbox outside a transaction"):
        db.append(Outbox, [event()])
    with undone(db):
        db.append(Outbox, [event()])
    assert sent(Outbox) == []
    with db.atomic():
        db.append(Outbox, (event(subject=str(number)) for number in range(3)))
        db.append(Outbox, [])
    assert [row.subject for row in sent(Outbox)] == ["0", "1", "2"]


@pytest.mark.parametrize("two_phase", [False, True], ids=["begun by its first statement", "two-phase"])
def test_the_transaction_of_a_raw_connection_is_its_owner_s(connect: Connect, two_phase: bool) -> None:
    connection = connect()
    if two_phase:
        connection.tpc_begin(connection.xid(1, "booking", "payments"))
    db = RawDatabase(connection)
    db.append(Outbox, [event()])
    db.run("update payments_paymentmethod set kind = kind || '!'")
    assert db.row("select count(*) from payments_outbox") == (1,)
    assert sent(Outbox) == [], "nobody else sees it"
    (connection.tpc_rollback if two_phase else connection.rollback)()
    assert sent(Outbox) == []
    assert not PaymentMethod.objects.filter(kind__endswith="!").exists()
    db.close()
    assert not connection.closed, "it is its owner's"


def test_a_handle_s_alias_is_that_of_the_model_s_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Database.of(Outbox).alias == "payments"
    monkeypatch.setattr(
        "config.router.settings", SimpleNamespace(HOUSE=HOUSE, SERVICE="seats", DATABASES={"seats": {}})
    )
    with pytest.raises(OwnershipError, match="belongs to service 'payments'"):
        Database.of(Outbox)
