"""A participant's transaction runs in the database, and in the transaction, that its caller chooses.

Each runs whole (barrier, rows, outbox) over the service's own alias, over another one whose database has these tables too, and
over a psycopg connection whose transaction the caller begins and rolls back.
"""

import ast
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from django.apps import apps
from django.db import connections
from redis import Redis

from faults import Plan
from messaging.database import Database, RawDatabase
from messaging.inbox.declarations import Forward
from messaging.inbox.participant import Participant
from messaging.message import Body
from payments import commands as payment
from payments.contract import PaymentMethod, TakePayment
from seats import commands as seat
from seats.contract import ReserveSeats
from seats.transactions import Programme, SeatBlock, announce
from tests.messages import command, new_id
from tickets import commands as ticket
from tickets.contract import IssueTickets

ROOT = Path(__file__).parents[2]
APPS, SPARE = ("seats", "payments", "tickets"), "booking"
HALL = Programme(
    id="concert", title="Concert", venue="Hall", starts_at=datetime(2030, 1, 1, 20, tzinfo=UTC), currency="KRW",
    blocks=(SeatBlock("Stalls", ("A", "B"), 3, 150_000), SeatBlock("Balcony", ("C",), 2, 70_000)),
)  # fmt: skip
METHOD = "insert into payments_paymentmethod (token, kind, declines_with) values ('tok_visa', 'card', '') on conflict do nothing"
pytestmark = pytest.mark.django_db(databases=[*APPS, SPARE], transaction=True)


class Work(NamedTuple):
    """A participant with one command: what its database must have before, what it is asked, and the table that it writes."""

    app: str
    given: Callable[[Database], object]
    asked: Body
    handler: Forward
    table: str

    def run(self, db: Database, redis: Redis) -> None:
        side = Participant(
            service=self.app,
            outbox=apps.get_model(self.app, "Outbox"),
            barrier=apps.get_model(self.app, "Barrier"),
            commands=(self.handler,),
            redis=lambda: redis,
        )
        side.process(db, [command(self.asked)], Plan(redis, self.app).refresh())

    def left(self, db: Database) -> tuple[Any, ...] | None:
        """How many rows there are: of the barrier, of the business, and messages of the booking."""
        booking = self.asked.model_dump()["booking_id"]
        return db.row(
            f"""select (select count(*) from {self.app}_barrier), (select count(*) from {self.table}),
                (select count(*) from {self.app}_outbox where correlation_id = %s)""",
            [booking],
        )


WORKS = (
    Work(
        "seats",
        lambda db: announce(db, HALL),
        ReserveSeats(booking_id=new_id(), performance_id="concert", seats=["A-1", "C-2"]),
        Forward(ReserveSeats, seat.reserve_seats),
        "seats_hold",
    ),
    Work(
        "payments",
        lambda db: db.run(METHOD),
        TakePayment(
            booking_id=new_id(), customer_id=1, amount=5, currency="KRW", payment_method=PaymentMethod("tok_visa")
        ),
        Forward(TakePayment, payment.take_payment),
        "payments_payment",
    ),
    Work(
        "tickets",
        lambda db: None,
        IssueTickets(booking_id=new_id(), performance_id="concert", customer_id=1, seats=["A-1", "C-2"]),
        Forward(IssueTickets, ticket.issue_tickets),
        "tickets_ticket",
    ),
)
DONE = {"seats": (1, 1, 2), "payments": (1, 1, 2), "tickets": (1, 2, 2)}
NOTHING = (0, 0, 0)


@pytest.fixture(params=WORKS, ids=APPS)
def work(request: pytest.FixtureRequest) -> Work:
    found: Work = request.param
    return found


@pytest.fixture
def elsewhere(work: Work) -> Iterator[Database]:
    """Another alias, whose database has the service's tables too, as long as the test runs."""
    models = list(apps.get_app_config(work.app).get_models())
    with connections[SPARE].schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    yield Database(SPARE)
    Database(SPARE).run(f"drop table {', '.join(model._meta.db_table for model in models)}")


@pytest.fixture
def connection(work: Work) -> Iterator[psycopg.Connection]:
    """Of the caller's own, to the service's database."""
    known = connections[work.app].get_connection_params()
    address = {key: known[key] for key in ("host", "port", "user", "password", "dbname")}
    with ExitStack() as opened:
        yield opened.enter_context(psycopg.connect(**address))


def test_over_the_service_s_own_alias(work: Work, redis: Redis) -> None:
    db = Database(work.app)
    work.given(db)
    with db.atomic():
        work.run(db, redis)
    assert work.left(db) == DONE[work.app]


def test_over_another_alias_whose_database_has_the_tables(work: Work, elsewhere: Database, redis: Redis) -> None:
    work.given(elsewhere)
    with elsewhere.atomic():
        work.run(elsewhere, redis)
    assert work.left(elsewhere) == DONE[work.app]
    assert work.left(Database(work.app)) == NOTHING, "its own database has nothing of it"


def test_over_a_connection_whose_transaction_the_caller_rolls_back(
    work: Work, connection: psycopg.Connection, redis: Redis
) -> None:
    db = RawDatabase(connection)
    work.given(db)
    work.run(db, redis)
    assert work.left(db) == DONE[work.app], "there, in the caller's transaction"
    assert work.left(Database(work.app)) == NOTHING, "nobody else sees it"
    connection.rollback()
    assert work.left(Database(work.app)) == work.left(db) == NOTHING


def test_no_participant_says_which_database_it_works_in() -> None:
    """Nor asks Django for a connection or a transaction: it has the handle of its caller."""
    asking, found = {"connections", "router", "transaction"}, []  # topology.py only declares one, by keywords
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ImportFrom(module="django.db", names=names):
                    found += [f"{path}: {one.name}" for one in names if one.name in asking]
                case ast.Call(func=ast.Name(id="Database"), args=[_, *_]):
                    found.append(f"{path}: {ast.unparse(node)}")
    assert not found


class _AliasFixed(RawDatabase):
    """As if the services named their alias themselves: whatever its caller has begun, their statements run there."""

    def __init__(self, connection: psycopg.Connection, alias: str) -> None:
        super().__init__(connection)
        self._own = Database(alias)

    def cursor(self) -> Any:
        return self._own.cursor()


def test_control_with_the_alias_fixed_the_caller_s_rollback_undoes_nothing(
    work: Work, connection: psycopg.Connection, redis: Redis
) -> None:
    db = _AliasFixed(connection, work.app)
    work.given(db)
    work.run(db, redis)
    connection.rollback()
    assert work.left(Database(work.app)) == DONE[work.app]
