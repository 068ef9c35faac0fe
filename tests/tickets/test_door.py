"""The list at the door is one local query, and a ticket's new holder is checked in one of three ways, each with its price."""

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from redis import Redis

from booking.customers.register import NewCustomer, register
from messaging.database import Database
from sandbox.layout import free_ports
from serving.problems import MEDIA_TYPE
from tests.messages import new_id
from tests.tickets.test_replicas import announced, apply, booked, customer
from tests.tickets.test_tickets import issue
from tickets import references
from tickets.commands import handle
from tickets.models import CustomerReplica, Holder, Issuance, ReplicaCheckpoint, Ticket

pytestmark = [
    pytest.mark.django_db(databases=["booking", "tickets"], transaction=True),
    pytest.mark.urls("tests.tickets.with_booking"),
    pytest.mark.usefixtures("redis"),
]


@pytest.fixture
def booking(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Booking's API, with customer 7, who is not in the copy; the copy has 1042."""
    monkeypatch.setattr(settings, "API_URLS", {**settings.API_URLS, "booking": live_server.url})
    register(Database("booking"), [NewCustomer(7, "Seven", "seven@example.com")])
    yield str(live_server.url)
    references._client().close()  # whose server keeps a database connection for as long
    references._client.cache_clear()


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Booking's API is down."""
    url = f"http://127.0.0.1:{free_ports(['nobody'])['nobody']}"
    monkeypatch.setattr(settings, "API_URLS", {**settings.API_URLS, "booking": url})


@pytest.fixture
def ticket() -> str:
    """Seat A-1 of the concert, booked by customer 123, with the copies filled, but of customer 123."""
    handle([issue("A-1")])
    apply(customer("Ana", 1), announced(1, labels=("A-1", "A-10", "A-2")))
    ReplicaCheckpoint.objects.update(horizon=1)
    return str(Ticket.objects.get().id)


def put(client: Client, ticket: str, customer: Any, check: str = "") -> Any:
    path = f"/api/tickets/{ticket}/holder" + (f"?check={check}" if check else "")
    return client.put(path, {"customer_id": customer}, content_type="application/json")


def listed(client: Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/tickets/door-list", {"performance": "concert", **query})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_the_list_joins_own_rows_with_copies(client: Client, ticket: str, django_assert_num_queries: Any) -> None:
    apply(booked(new_id(), "Confirmed", 5), customer("Min-jun", 1, id=123))
    handle([issue("A-10", "A-2")])
    found = listed(client)
    rows = [(row["seat"], row["number"], row["customer"], row["bookings"]) for row in found["rows"]]
    assert rows == [("A-1", 1, "Min-jun", 0), ("A-10", 1, "Min-jun", 0), ("A-2", 1, "Min-jun", 0)]
    assert "code" not in found["rows"][0], "who sees the list cannot forge a ticket"
    assert {one["name"]: one["filled"] for one in found["replicas"]} == {"customers": True, "seats": True}
    assert put(client, ticket, 1042).status_code == 200
    first = listed(client, limit=1)
    assert first["more"]
    assert [(row["customer"], row["bookings"], row["handed_over"]) for row in first["rows"]] == [("Ana", 1, True)]
    assert [row["seat"] for row in listed(client, limit=1, offset=2)["rows"]] == ["A-2"]


def test_void_tickets_are_not_listed_and_what_no_copy_knows_is_null(client: Client, ticket: str) -> None:
    handle([issue("Z-9")])
    unknown = next(row for row in listed(client)["rows"] if row["seat"] == "Z-9")
    assert (unknown["customer"], unknown["section"], unknown["customer_id"]) == (None, None, 123)
    Issuance.objects.update(status="VOIDED")
    assert listed(client)["rows"] == []


BAD_QUERIES = ["", "?performance=", "?performance=Concert!", "?performance=concert&limit=0",
               "?performance=concert&limit=1001", "?performance=concert&offset=-1", "?performance=concert&limit=x"]  # fmt: skip


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_bad_question_gets_a_problem_document(client: Client, query: str) -> None:
    answer = client.get(f"/api/tickets/door-list{query}")
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)


def test_by_api_the_owner_knows_a_customer_that_the_copy_does_not(client: Client, ticket: str, booking: str) -> None:
    answer = put(client, ticket, 7, "api").json()
    assert (answer["customer_id"], answer["check"]["known"], answer["check"]["calls"]) == (7, True, 1)
    assert Holder.objects.get().customer_id == 7
    refused = put(client, ticket, 8, "api")
    assert (refused.status_code, refused.json()["title"]) == (422, "Unknown customer")
    stale = put(client, ticket, 7, "replica")
    assert stale.status_code == 422
    assert "Ticket's copy, 0 ms behind, has no customer 7" in stale.json()["detail"]
    assert Holder.objects.get().version == 1


def test_a_kept_connection_that_has_ended_is_no_owner_that_is_down(
    client: Client, ticket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Owner(BaseHTTPRequestHandler):
        """Closes the connection of the first request, as a server does with one that has been idle."""

        def do_GET(self) -> None:
            asked.append(self.path)
            if len(asked) > 1:
                self.send_response(200)
                self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Owner)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(settings, "API_URLS", {**settings.API_URLS, "booking": url})
    try:
        assert put(client, ticket, 7, "api").json()["check"]["known"] is True
        assert asked == ["/api/customers/7"] * 2
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_with_the_owner_down_the_api_refuses_the_replica_answers_and_without_a_check_anything_goes(
    client: Client, ticket: str, nobody: None
) -> None:
    down = put(client, ticket, 1042, "api")
    assert (down.status_code, down["Content-Type"], down["Retry-After"]) == (503, MEDIA_TYPE, "1")
    assert "service 'booking', which owns the customers, does not answer" in down.json()["detail"]
    assert not Holder.objects.exists()
    answer = put(client, ticket, 1042).json()
    assert (answer["check"]["way"], answer["check"]["known"], answer["check"]["calls"]) == ("replica", True, 0)
    answer = put(client, ticket, 555, "none").json()
    assert (answer["check"]["known"], answer["version"]) == (None, 2)
    (row,) = listed(client)["rows"]
    assert (row["customer_id"], row["customer"]) == (555, None), "the wrong id is found here"


def test_the_same_again_changes_nothing(client: Client, ticket: str) -> None:
    assert [put(client, ticket, 1042).json()["version"] for _ in range(2)] == [1, 1]


def test_a_copy_that_was_never_filled_refuses_nobody_for_what_it_cannot_know(client: Client, ticket: str) -> None:
    CustomerReplica.objects.all().delete()
    ReplicaCheckpoint.objects.all().delete()
    answer = put(client, ticket, 1042)
    assert answer.status_code == 503
    assert "has not been filled yet" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("of", "customer", "check", "status"),
    [
        ("", 0, "", 422),
        ("", "x", "", 422),
        ("", 2**63, "", 422),
        ("", 1042, "maybe", 422),
        ("no-uuid", 1042, "", 422),
        (str(uuid.UUID(int=7)), 1042, "none", 404),
    ],
)
def test_bad_input_is_told_and_writes_nothing(
    client: Client, ticket: str, of: str, customer: Any, check: str, status: int
) -> None:
    answer = put(client, of or ticket, customer, check)
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)
    assert not Holder.objects.exists()


def test_a_void_ticket_goes_to_nobody(client: Client, ticket: str) -> None:
    Issuance.objects.update(status="VOIDED")
    assert put(client, ticket, 1042).status_code == 409


def test_the_copies_over_http(client: Client, ticket: str, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "OPERATOR_TOKEN", "of-a-test")
    operator = {"Authorization": "Bearer of-a-test"}
    found = client.get("/api/tickets/replicas/customers/1042").json()
    assert (found["name"], found["bookings"], found["replica"]["events"]) == ("Ana", 0, 0)
    missing = client.get("/api/tickets/replicas/customers/5")
    assert (missing.status_code, missing["Content-Type"]) == (404, MEDIA_TYPE)
    assert client.get("/api/tickets/replicas").json()["running"] is False
    path = "/api/tickets/replicas/{}/rebuild"
    assert client.post(path.format("customers")).status_code == 401
    assert client.post(path.format("halls"), headers=operator).status_code == 404
    assert client.post(path.format("customers"), headers=operator).status_code == 503
    redis.set("alive:replicator-tickets", "1")
    asked = client.post(path.format("customers"), headers=operator)
    assert (asked.status_code, asked.json()["rebuild"]["done_at"]) == (202, None)
    assert client.post(path.format("customers"), headers=operator).status_code == 409


def test_a_try_to_write_a_copy_changes_nothing_and_says_what_postgresql_says(
    client: Client, ticket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the copies are not closed: the control. Closed, it is refused: tests/lab/browser/test_guide.py."""
    monkeypatch.setattr(settings, "OPERATOR_TOKEN", "of-a-test")
    headers = {"Authorization": "Bearer of-a-test"}
    path = "/api/tickets/replicas/{}/write-attempt"
    assert client.post(path.format("customers")).status_code == 401
    assert client.post(path.format("halls"), headers=headers).status_code == 404
    answer = client.post(path.format("customers"), headers=headers).json()
    assert (answer["sqlstate"], answer["said"]) == ("", "let happen, and rolled back")
    assert CustomerReplica.objects.get().version == 1
