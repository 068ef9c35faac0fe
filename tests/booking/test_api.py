"""Booking's HTTP API: what is accepted, and bad input, of which nothing is written."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.test import AsyncClient, Client

from booking.api import front
from booking.commands import handle
from booking.models import Booking, IdempotencyKey, Outbox
from booking.placing import transaction
from booking.placing.group_commit import GroupCommit, Overloaded
from messaging.database import Database
from messaging.process.pacing import QUIET, Pacer
from serving.problems import MEDIA_TYPE
from tests.booking.world import overdue, place, reply, up_to
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(databases=["booking"], transaction=True),  # the front door commits in a thread of its own
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop", "redis"),
]


@pytest.fixture(autouse=True)
def _front_leaves_no_connection() -> Iterator[None]:
    yield
    front.thread.submit(connections.close_all).result()


BODY: dict[str, Any] = {
    "performance": "concert-2030",
    "seats": ["A-15"],
    "customer": 123,
    "payment_method": "tok_visa",
}


def post(client: Client, body: Any = BODY, key: str | None = "key-1") -> Any:
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/bookings", content, content_type="application/json", headers=headers)


def nothing_written() -> bool:
    messages = Outbox.objects.exclude(type="CustomerRegistered")
    return not (Booking.objects.exists() or IdempotencyKey.objects.exists() or messages.exists())


def test_booking_is_accepted(client: Client) -> None:
    answer = post(client)
    assert answer.status_code == 202
    body = answer.json()
    assert body == {"id": body["id"], "state": "PENDING", "url": f"/api/bookings/{body['id']}"}
    assert answer["Location"] == body["url"]
    found = client.get(body["url"]).json()
    assert (found["state"], found["seats"], found["customer_id"]) == ("PENDING", ["A-15"], 123)


def test_same_key_in_flight_gives_the_same_booking(client: Client) -> None:
    first, again = post(client), post(client)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert Booking.objects.count() == 1


def test_key_reused_with_another_body(client: Client) -> None:
    post(client)
    answer = post(client, {**BODY, "seats": ["A-16"]})
    assert (answer.status_code, answer["Content-Type"], answer.json()["title"]) == (
        422, MEDIA_TYPE, "Idempotency key reused",
    )  # fmt: skip
    assert Booking.objects.count() == 1


BAD_FIELDS: dict[str, dict[str, Any]] = {
    "unknown seat": {"seats": ["Z-99"]},
    "one foreign seat": {"seats": ["A-15", "Z-99"]},
    "no seats": {"seats": []},
    "nine seats": {"seats": [f"A-{number}" for number in range(1, 10)]},
    "the same seat twice": {"seats": ["A-15", "A-15"]},
    "seats as text": {"seats": "A-15"},
    "a seat as a number": {"seats": [15]},
    "a seat with NUL": {"seats": ["A-\x0015"]},
    "a seat with half a character": {"seats": ["\ud800"]},
    "a very long seat": {"seats": ["A" * 10_000]},
    "unknown performance": {"performance": "concert-1999"},
    "past performance": {"performance": "concert-2019"},
    "performance with NUL": {"performance": "concert\x00-2030"},
    "performance as SQL": {"performance": "'; drop table booking_booking; --"},
    "performance as a number": {"performance": 2030},
    "no performance at all": {"performance": None},
    "unknown customer": {"customer": 7},
    "customer as text": {"customer": "123"},
    "customer as a truth": {"customer": True},
    "customer as a fraction": {"customer": 123.5},
    "negative customer": {"customer": -1},
    "customer beyond bigint": {"customer": 2**63},
    "unknown token": {"payment_method": "tok_gold"},
    "empty token": {"payment_method": ""},
    "a field nobody knows": {"price": 1},
    "a price seen without its currency": {"seen": {"amount": 150_000}},
    "a price seen as text": {"seen": {"amount": "150000", "currency": "KRW"}},
    "a price seen below nothing": {"seen": {"amount": -1, "currency": "KRW"}},
    "a price seen beyond all money": {"seen": {"amount": 2**53, "currency": "KRW"}},
    "a price seen in no currency": {"seen": {"amount": 150_000, "currency": "won"}},
    "a price seen as a number": {"seen": 150_000},
}


@pytest.mark.parametrize("bad", BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
def test_bad_fields(client: Client, bad: dict[str, Any]) -> None:
    answer = post(client, {**BODY, **bad})
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    problem = answer.json()
    assert problem["detail"]
    (field,) = bad
    assert problem["errors"][0]["pointer"].startswith(f"#/{field}")
    assert nothing_written()


@pytest.mark.parametrize("field", BODY)
def test_missing_field(client: Client, field: str) -> None:
    answer = post(client, {name: value for name, value in BODY.items() if name != field})
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    assert nothing_written()


BAD_BODIES = {
    "malformed": ("{", 400),
    "empty": ("", 422),
    "not UTF-8": (b'{"performance": "\xff"}', 400),
    "deeply nested": ("[" * 30_000, 400),
    "a list": ("[]", 422),
    "a number": ("42", 422),
    "null": ("null", 422),
    "oversized": (json.dumps({**BODY, "seats": ["A-15"] * 20_000}), 413),
}


@pytest.mark.parametrize(("body", "status"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_bodies(client: Client, body: str | bytes, status: int) -> None:
    answer = post(client, body)
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)
    assert nothing_written()


BAD_KEYS = {
    "none": None,
    "empty": "",
    "too long": "k" * 256,
    "with a space": "a b",
    "with NUL": "a\x00b",
    "not ASCII": "ké",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_bad_keys(client: Client, key: str | None) -> None:
    answer = post(client, key=key)
    assert (answer.status_code, answer["Content-Type"]) == (400, MEDIA_TYPE)
    assert "Idempotency-Key" in answer.json()["detail"]
    assert nothing_written()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/bookings/0198c0de-0000-7000-8000-000000000001", 404),
        ("/api/bookings/0198c0de-0000-7000-8000-000000000001/saga", 404),
        ("/api/bookings/15", 422),
        ("/api/bookings/15/saga", 422),
        ("/api/bookings/%00", 400),
        ("/api/bookings/" + "9" * 5000, 422),
        ("/api/booking/events?after=-1", 422),
        ("/api/booking/events?after=x", 422),
        ("/api/booking/events?limit=0", 422),
    ],
)
def test_bad_urls(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)


def test_saga_before_it_starts_while_it_retries_and_when_it_is_done(client: Client) -> None:
    (booking,) = place()
    url = f"/api/bookings/{booking.id}/saga"
    before = client.get(url).json()
    assert (before["state"], before["done"]) == ("PENDING", [])
    assert before["remaining"] == ["ReserveSeats", "TakePayment", "IssueTickets", "ConfirmSeats"]
    handle(up_to("TakePayment", booking))
    handle([overdue(booking)])
    during = client.get(url).json()
    step = during["steps"][1]
    assert (step["name"], step["kind"], step["state"]) == ("TakePayment", "compensatable", "sent")
    assert [attempt["error"] for attempt in step["actions"][0]["attempts"]] == ["no_answer", ""]
    assert step["actions"][0]["due_at"] == during["due_at"]
    assert during["awaiting"] == "payments"
    assert (during["done"], during["remaining"]) == (["ReserveSeats"], ["TakePayment", "IssueTickets", "ConfirmSeats"])
    handle([reply(booking, "TakePayment", "refused", "card_declined")])
    undoing = client.get(url).json()
    assert (undoing["state"], undoing["reason"], undoing["remaining"]) == (
        "COMPENSATING", "card_declined", ["ReleaseSeats"],
    )  # fmt: skip
    handle([reply(booking, "ReserveSeats", action="compensation")])
    after = client.get(url).json()
    assert (after["state"], after["remaining"], after["due_at"]) == ("COMPENSATED", [], None)
    assert after["done"] == ["ReserveSeats", "ReleaseSeats"]
    assert after["steps"][0]["state"] == "compensated"
    assert after["log"][-1]["what"] == "compensated"


def test_customers_events_and_health(client: Client) -> None:
    assert [customer["id"] for customer in client.get("/api/customers").json()] == [123, 1042]
    page = client.get("/api/booking/events?after=0").json()
    assert [event["type"] for event in page["events"]] == ["CustomerRegistered", "CustomerRegistered"]
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json()["ready"] is True
    assert client.get("/api/openapi.json").status_code == 200


async def test_requests_that_wait_share_a_commit(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.MIDDLEWARE = []  # a service's process has none that keeps other requests out meanwhile
    batches: list[int] = []
    place_batch = transaction.place

    def slow_at_first(db: Database, requests: Any) -> Any:
        if not batches:
            wait_until(lambda: front.waiting + len(requests) == 10, message="the others to wait")
        batches.append(len(requests))
        return place_batch(db, requests)

    monkeypatch.setattr(transaction, "place", slow_at_first)
    client = AsyncClient()
    answers = await asyncio.gather(
        *(
            client.post(
                "/api/bookings",
                json.dumps({**BODY, "seats": [f"A-{number}"]}),
                content_type="application/json",
                headers={"Idempotency-Key": f"key-{number}"},
            )
            for number in range(1, 11)
        )
    )
    assert {answer.status_code for answer in answers} == {202}
    assert sum(batches) == 10
    assert len(batches) <= 2  # how many the first one caught is a matter of microseconds


@pytest.mark.parametrize("crowd", [30, 1])
async def test_what_streams_in_is_committed_in_rounds(crowd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: after a lone request the next two each have a commit of their own."""
    monkeypatch.setattr(Pacer, "round_s", lambda pacer: 1.0 if pacer.a_second() > QUIET else 0.0)
    batches: list[int] = []

    def commit(requests: Any) -> Any:
        batches.append(len(requests))
        return requests

    front: GroupCommit[int, int] = GroupCommit(commit, size=50, waiting=100)
    await asyncio.gather(*(front.submit(number) for number in range(crowd)))
    first = asyncio.create_task(front.submit(1))
    await asyncio.wait({first}, timeout=0.1)
    await asyncio.gather(first, front.submit(2))
    assert batches == ([30, 2] if crowd == 30 else [1, 1, 1])


async def test_group_commit_fails_together_and_goes_on() -> None:
    def commit(requests: Any) -> Any:
        if "bad" in requests:
            raise ValueError("no")
        return [request.upper() for request in requests]

    front: GroupCommit[str, str] = GroupCommit(commit, size=2, waiting=3)
    first = asyncio.gather(front.submit("bad"), front.submit("a"), return_exceptions=True)
    assert [type(answer) for answer in await first] == [ValueError, ValueError]
    assert await front.submit("b") == "B"
    crowd = await asyncio.gather(*(front.submit("c") for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in crowd].count(Overloaded) == 2
