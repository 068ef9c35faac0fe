"""The hot path in front of Django: what it takes, what it leaves, and that both give the same answers."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.conf import LazySettings
from django.core.asgi import get_asgi_application
from django.db import connections
from redis import Redis

import faults
from booking import api
from booking.models import Booking, PerformanceReplica
from booking.placing.fast_path import FastPath
from booking.placing.group_commit import GroupCommit
from serving import api_faults
from tests.booking.test_api import BAD_FIELDS, BODY

pytestmark = [
    pytest.mark.django_db(databases=["booking"], transaction=True),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop", "redis"),
]
LEFT = 299
HEADERS = {"Idempotency-Key": "key-1", "Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def _front_leaves_no_connection() -> Iterator[None]:
    yield
    api.front.thread.submit(connections.close_all).result()


class Left:
    """Stands where Django stands: whoever gets this status was left to it; `body` is what it was left."""

    body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.body = (await receive())["body"]
        await send({"type": "http.response.start", "status": LEFT, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def ask(application: Any, body: Any = BODY, **request: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"method": "POST", "url": "/api/bookings", "headers": HEADERS} | request

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(content=content, **given)

    return asyncio.run(asked())


def told(answer: httpx.Response) -> Any:
    headers = {name: answer.headers.get(name) for name in ("content-type", "location", "retry-after")}
    return answer.status_code, headers, answer.json()


def test_a_booking_is_accepted_as_the_view_accepts_it() -> None:
    answer = ask(FastPath(Left()))
    assert answer.status_code == 202
    assert told(answer) == told(ask(get_asgi_application())), "the same key: the same booking"
    assert Booking.objects.count() == 1


def test_a_refusal_says_what_the_view_says() -> None:
    unknown = BODY | {"customer": 77}
    answer = ask(FastPath(Left()), unknown)
    assert answer.status_code == 422
    assert told(answer) == told(ask(get_asgi_application(), unknown))


SEEN = BODY | {"seen": {"amount": 150_000, "currency": "KRW"}}


def test_the_price_that_was_seen_is_accepted_as_the_view_accepts_it() -> None:
    answer = ask(FastPath(Left()), SEEN)
    assert answer.status_code == 202
    assert told(answer) == told(ask(get_asgi_application(), SEEN))


def test_another_price_than_was_seen_is_told_as_the_view_tells_it() -> None:
    changed = BODY | {"seen": {"amount": 4_500, "currency": "EUR"}}
    answer = ask(FastPath(Left()), changed)
    assert answer.status_code == 409
    problem = answer.json()
    assert (problem["type"], problem["price"]) == ("price-changed", {"amount": 150_000, "currency": "KRW"})
    assert problem["errors"][0]["pointer"] == "#/seen"
    assert told(answer) == told(ask(get_asgi_application(), changed))
    assert not Booking.objects.exists()


def test_prices_that_are_not_known_yet_are_told_as_the_view_tells_it() -> None:
    PerformanceReplica.objects.update(prices=[], currency="")
    answer = ask(FastPath(Left()), SEEN)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert told(answer) == told(ask(get_asgi_application(), SEEN))


def test_too_many_waiting_says_what_the_view_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "front", GroupCommit(api._place, size=1, waiting=0))
    answer = ask(FastPath(Left()))
    assert answer.status_code == 503
    assert told(answer) == told(ask(get_asgi_application()))


@pytest.mark.parametrize("bad", BAD_FIELDS.values(), ids=BAD_FIELDS.keys())
def test_bad_fields_are_refused_as_the_view_refuses_them(bad: dict[str, Any]) -> None:
    django = get_asgi_application()
    assert told(ask(FastPath(django), BODY | bad)) == told(ask(django, BODY | bad))
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    "bad", ["customer as text", "nine seats", "a field nobody knows", "a seat with half a character"]
)
def test_what_is_not_right_is_left_to_the_view_with_all_of_it(bad: str) -> None:
    left = Left()
    wrong = BODY | BAD_FIELDS[bad]
    assert (ask(FastPath(left), wrong)).status_code == LEFT
    assert json.loads(left.body) == wrong


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff\xfe", b'{"performance": "\\ud800"}'])
def test_what_is_no_booking_is_left_to_the_view(body: bytes) -> None:
    left = Left()
    assert (ask(FastPath(left), body)).status_code == LEFT
    assert left.body == body


@pytest.mark.parametrize(
    "odd",
    [
        {"method": "PUT"},
        {"url": "/api/bookings/"},
        {"headers": HEADERS | {"Idempotency-Key": "k\u00e9y".encode("latin-1")}},
        {"headers": {"Content-Type": "application/json"}},
        {"headers": HEADERS | {"Idempotency-Key": "two words"}},
    ],
    ids=["another method", "another path", "a key that is no text", "no key", "a key with a blank"],
)
def test_what_is_not_ordinary_is_left_to_the_view(odd: dict[str, Any]) -> None:
    assert (ask(FastPath(Left()), **odd)).status_code == LEFT


def test_an_armed_fault_leaves_all_to_the_view(
    redis: Redis, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: once it is cleared the same request is taken here."""
    settings.SERVICE = "booking"
    monkeypatch.setattr(api_faults, "STALE_S", 0.0)  # each request reads the plan
    monkeypatch.setattr(api_faults, "MAX_AGE_S", 0.0)
    path = FastPath(Left())
    down = {"point": "api", "action": "down", "service": "booking", "trigger": {"kind": "always"}}
    fault = faults.arm(redis, faults.parse(down))
    assert (ask(path)).status_code == LEFT
    faults.clear(redis, fault.id)
    assert (ask(path)).status_code == 202
