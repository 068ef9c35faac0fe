"""Booking's front while its database, the network in between, or Redis does not answer, or somebody has locked a row."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import AsyncClient, Client

from booking.api import apart, front
from booking.api import switches as asked
from booking.models import Booking, Outbox
from booking.placing import switches, transaction
from booking.placing.apart import Apart
from messaging.database import Database
from messaging.postgresql.bounded import be_patient
from messaging.process.redis import redis_client, redis_of_requests
from proofs.network import Network
from tests.booking.test_api import BODY
from tests.breaking import locked, read_only
from tests.waiting import wait_until

PATIENCE_S = 0.8
pytestmark = [
    pytest.mark.django_db(databases=["booking"], transaction=True),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop", "redis"),
]


@pytest.fixture(autouse=True)
def _bounded(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """As in Booking's process: no statement, and no lock, is waited for longer than this."""
    settings.MIDDLEWARE = ["serving.problems.ProblemMiddleware"]
    options = connections["booking"].settings_dict["OPTIONS"]
    monkeypatch.setitem(options, "options", "-c lock_timeout=600")
    monkeypatch.setitem(options, "connect_timeout", 2)
    be_patient(PATIENCE_S)
    front.thread.submit(connections.close_all).result()
    yield
    be_patient(None)
    apart._locked.clear()
    front.thread.submit(connections.close_all).result()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Between the front and its database."""
    settings = connections["booking"].settings_dict
    with Network(int(settings["PORT"])) as network:
        monkeypatch.setitem(settings, "PORT", network.port)
        yield network


def post(key: str = "key-1", **more: Any) -> tuple[Any, float]:
    """The answer, and how long it took."""
    return async_to_sync(_post)(key, **more)


def together(*wanted: dict[str, Any]) -> list[tuple[Any, float]]:
    """The same of several requests at once."""

    async def all_of_them() -> list[tuple[Any, float]]:
        return await asyncio.gather(*(_post(**one) for one in wanted))

    return async_to_sync(all_of_them)()


def working() -> bool:
    """Whether the front has a transaction open."""
    with connections["booking"].cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and state <> 'idle'"
        )
        return bool(cursor.fetchone()[0])


async def _post(key: str = "key-1", **more: Any) -> tuple[Any, float]:
    began = time.monotonic()
    headers = {"Idempotency-Key": key}
    answer = await AsyncClient().post(
        "/api/bookings", {**BODY, **more}, content_type="application/json", headers=headers
    )
    return answer, time.monotonic() - began


class TestCommit:
    """The connection is lost during the commit. Whether that was carried out only the database knows."""

    @pytest.fixture(params=["the commit's answer", "the commit"])
    def lost(self, request: Any, network: Network, monkeypatch: pytest.MonkeyPatch) -> str:
        append, answers = Database.append, request.param != "the commit"

        def last_statement(*args: Any) -> Any:
            done = append(*args)
            network.swallow(answers=answers)
            return done

        monkeypatch.setattr(Database, "append", last_statement)
        return str(request.param)

    def test_an_unknown_outcome_is_said_and_the_key_tells(
        self, lost: str, network: Network, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer, took = post()
        body = answer.json()
        assert (answer.status_code, body["title"], body["idempotency_key"]) == (504, "Outcome unknown", "key-1")
        assert "same Idempotency-Key: key-1" in body["detail"]
        assert took < 3 * PATIENCE_S
        network.flow()
        wait_until(lambda: not working(), 5, "the server to notice that its client has gone")
        assert Booking.objects.count() == (1 if lost == "the commit's answer" else 0)
        monkeypatch.undo()
        again, _ = post()
        assert again.status_code == 202
        assert Booking.objects.count() == 1


def test_a_database_that_does_not_answer_is_told_in_time(network: Network) -> None:
    assert (post("key-0"))[0].status_code == 202
    network.freeze()
    found = together(*({"key": f"key-{number}"} for number in range(1, 6)))
    assert {(answer.status_code, answer["Retry-After"]) for answer, _ in found} == {(503, "1")}
    # a connection, or a statement; and those behind wait no longer
    assert max(took for _, took in found) < 2 + 2 * PATIENCE_S
    network.flow()
    again, took = post("key-1")
    assert again.status_code == 202
    assert took < PATIENCE_S


def test_a_database_that_is_read_only_is_told_as_an_outage() -> None:
    with read_only("booking"):
        answer, _ = post()
        assert (answer.status_code, answer["Retry-After"]) == (503, "1")
        assert "read-only" in answer.json()["detail"]
        renamed = Client().patch(
            "/api/customers/123",
            {"name": "Somebody"},
            content_type="application/json",
            headers={"Idempotency-Key": "key-2"},
        )
        assert (renamed.status_code, renamed["Retry-After"]) == (503, "1")
    assert (post())[0].status_code == 202


class TestLocks:
    """`select ... for update` of a customer's row, as an open psql has it: bookings refer to that row."""

    LOCK = "select from booking_customer where id = 123 for update"

    def test_a_locked_customer_keeps_no_other_waiting(self) -> None:
        with locked("booking", self.LOCK):
            others = [{"key": f"key-{n}", "customer": 1042, "seats": [f"A-{n}"]} for n in (2, 3)]
            (refused, _), *found = together({"key": "key-1"}, *others)
            assert (refused.status_code, refused["Retry-After"]) == (503, "1")
            assert "locked a row" in refused.json()["detail"]
            assert [answer.status_code for answer, _ in found] == [202, 202]
            # Met once, it is known: nobody waits for it a second time.
            began = time.monotonic()
            (refused, _), (other, took) = together(
                {"key": "key-4"}, {"key": "key-5", "customer": 1042, "seats": ["A-5"]}
            )
            assert (refused.status_code, other.status_code) == (503, 202)
            assert max(took, time.monotonic() - began) < 0.5
        assert (post())[0].status_code == 202
        assert Booking.objects.count() == 4

    def test_whoever_is_being_renamed_can_book_meanwhile(self) -> None:
        with locked("booking", "select from booking_customer where id = 123 for no key update"):
            answer, took = post()
        assert answer.status_code == 202
        assert took < 0.5

    def test_without_that_one_lock_takes_all_of_the_batch(self) -> None:
        """The control."""
        wanted = [
            transaction.PlaceBooking(key=f"k{n}", customer=n, performance="concert-2030", seats=("A-1",),
                                     payment_method="tok_visa")
            for n in (123, 1042)
        ]  # fmt: skip

        def work() -> tuple[str, list[str]]:
            with connections["booking"].cursor() as cursor:
                cursor.execute("set lock_timeout = 300")
            try:
                transaction.place(Database("booking"), wanted)
            except Exception as error:
                alone = type(error).__name__
            found = [type(one).__name__ for one in Apart(Database("booking"), transaction.place)(wanted)]
            connections.close_all()
            return alone, found

        with locked("booking", self.LOCK):
            assert front.thread.submit(work).result() == ("OperationalError", ["OperationalError", "Placed"])


def test_a_redis_that_is_frozen_keeps_no_booking_waiting(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Whichever client of the process asks it."""
    address, clients = settings.REDIS_URL, (redis_client, redis_of_requests)
    port = urlsplit(address).port
    with Network(int(port or 0)) as network:
        monkeypatch.setattr(asked, "_plan", None)
        settings.REDIS_URL = address.replace(f":{port}", f":{network.port}")
        for client in clients:
            client.cache_clear()
        try:
            assert redis_of_requests().ping()
            network.freeze()
            times = []
            for number in range(4):
                asked.forget()
                answer, took = post(f"key-{number}", seats=[f"A-{number + 1}"])
                assert answer.status_code == 202
                times.append(took)
            assert max(times) < 1.0
            assert sum(took > 0.15 for took in times) <= 1, "one of them waits; then it is known"
        finally:
            network.flow()
            settings.REDIS_URL = address
            for client in clients:  # for the tests that come after
                client.cache_clear()
    assert switches.AWAY_S
    assert Outbox.objects.filter(type="BookTickets").count() == 4
