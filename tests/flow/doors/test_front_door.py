"""The front door from outside: each bad request gets problem details, and nothing is written."""

import json
import uuid
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(120)
GOOD: dict[str, Any] = {
    "performance": "studio-night",
    "seats": ["A-1"],
    "customer": 123,
    "payment_method": "tok_visa",
}
BAD: dict[str, dict[str, Any]] = {
    "unknown seat": {"seats": ["Z-999"]},
    "foreign seat": {"seats": ["AA-1"]},
    "no seats": {"seats": []},
    "nine seats": {"seats": [f"A-{number}" for number in range(1, 10)]},
    "the same seat twice": {"seats": ["A-1", "A-1"]},
    "unknown performance": {"performance": "nowhere"},
    "past performance": {"performance": "concert-2019"},
    "unknown customer": {"customer": 77},
    "unknown token": {"payment_method": "tok_gold"},
    "customer as text": {"customer": "123"},
    "seats as text": {"seats": "A-1"},
    "null": {"seats": None},
}


def count(live: Live) -> int:
    return int(live.rows("booking", "select count(*) from booking_booking")[0][0])


def problem(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    assert "Traceback" not in answer.text
    return body


@pytest.mark.parametrize("what", BAD)
def test_a_bad_booking_is_refused_and_nothing_is_written(live: Live, what: str) -> None:
    before = count(live)
    answer = live.http.post("/api/bookings", json=GOOD | BAD[what], headers={"Idempotency-Key": uuid.uuid4().hex})
    problem(answer, 404, 409, 422)
    assert count(live) == before


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"A-1"', b"\xff\xfe", b'{"performance": NaN}'])
def test_what_is_no_booking_at_all(live: Live, body: bytes) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
    problem(live.http.post("/api/bookings", content=body, headers=headers), 400, 422)


def test_an_oversized_body(live: Live) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
    problem(live.http.post("/api/bookings", content=b" " * 200_000, headers=headers), 413)


def test_a_booking_without_an_idempotency_key(live: Live) -> None:
    assert "Idempotency-Key" in problem(live.http.post("/api/bookings", json=GOOD), 400)["detail"]


def test_an_idempotency_key_is_one_booking(live: Live) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = GOOD | {"seats": live.free_seats(1, "studio-night")}
    first = live.http.post("/api/bookings", json=body, headers=key)
    again = live.http.post("/api/bookings", json=body, headers=key)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    problem(live.http.post("/api/bookings", json=body | {"customer": 99}, headers=key), 422)


@pytest.mark.parametrize("door", ["gateway", "view"])
def test_nothing_is_booked_at_another_price_than_was_seen(live: Live, door: str) -> None:
    """A body of unknown length is for the view; both give Booking's answer on as it is."""
    body = GOOD | {"seats": live.free_seats(2, "studio-night")}

    def placed(amount: int, currency: str = "EUR") -> httpx.Response:
        content = json.dumps(body | {"seen": {"amount": amount, "currency": currency}}).encode()
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
        return live.http.post("/api/bookings", content=iter([content]) if door == "view" else content, headers=headers)

    before = count(live)
    told = [problem(placed(300_000, "KRW"), 409), problem(placed(1), 409)]
    assert count(live) == before
    assert {one["type"] for one in told} == {"price-changed"}
    price = told[0]["price"]
    assert (price["currency"], told[1]["price"]) == ("EUR", price)
    assert placed(**price).status_code == 202


@pytest.mark.parametrize(
    "path",
    [
        "/api/bookings/not-an-id",
        "/api/bookings/not-an-id/saga",
        f"/api/bookings/{uuid.uuid4()}",
        f"/api/bookings/{uuid.uuid4()}/saga",
        "/api/performances/nowhere/seats",
        "/api/printers/events",
        "/api/seats/events?after=minus-one",
        "/api/seats/events?after=-1",
        "/api/seats/events?limit=0",
        "/api/nothing-here",
    ],
)
def test_bad_ids_in_every_url(live: Live, path: str) -> None:
    problem(live.http.get(path), 404, 422)


@pytest.mark.parametrize("service", ["booking", "seats", "payments", "tickets"])
def test_each_event_log_can_be_read(live: Live, service: str) -> None:
    page = live.http.get(f"/api/{service}/events?after=0").json()
    assert set(page) >= {"events", "horizon", "xmax", "more"}


def test_the_api_is_documented(live: Live) -> None:
    paths = live.http.get("/api/openapi.json").json()["paths"]
    assert {"/api/bookings", "/api/performances", "/api/customers", "/readyz"} <= set(paths)
    assert live.http.get("/api/docs").status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://elsewhere.example", "http://127.0.0.1:9999", "http://127.0.0.1", "http://localhost:9999", "null"]
)
def test_a_foreign_origin_gets_no_socket(live: Live, origin: str) -> None:
    """Nor does a page that another program on this machine serves."""
    address = live.url.replace("http", "ws") + "/ws/journal?after=0&epoch="
    with pytest.raises(InvalidStatus) as refused, connect(address, origin=Origin(origin)):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/ws/none", "/ws/journal/", "/"])
def test_an_address_without_a_socket_is_not_found(live: Live, path: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(live.url.replace("http", "ws") + path, origin=Origin(live.url)),
    ):
        pass
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize("cursor", ["after=99999999&epoch=", "after=x", "after=-1", "after=0&epoch=of-another-run"])
def test_a_cursor_that_means_nothing_reloads_the_page(live: Live, cursor: str) -> None:
    with connect(live.url.replace("http", "ws") + f"/ws/journal?{cursor}", origin=Origin(live.url)) as socket:
        assert "data-reload" in str(socket.recv(timeout=15))


def test_an_operator_announces_a_performance_and_it_can_be_booked(live: Live) -> None:
    name = f"class-{uuid.uuid4().hex[:8]}"
    block = {"section": "Floor", "rows": ["A"], "seats_a_row": 2, "price": 2500}
    asked = {
        "id": name,
        "title": "Our class",
        "venue": "Room 7",
        "starts_at": "2099-01-01T19:00:00Z",
        "currency": "EUR",
    }
    body = {**asked, "blocks": [block]}
    stranger = live.http.post("/api/performances", json=body, headers={"X-Forwarded-For": "203.0.113.7"})
    assert stranger.status_code == 401
    refused = live.http.post("/api/performances", json={**body, "blocks": [block, block]})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert live.http.post("/api/performances", json=body).status_code == 201
    assert live.http.post("/api/performances", json=body).status_code == 409
    placed = {"performance": name, "seats": ["A-2"], "customer": 123, "payment_method": "tok_visa"}

    def on_sale() -> str:
        answer = live.http.post("/api/bookings", json=placed, headers={"Idempotency-Key": str(uuid.uuid4())})
        return str(answer.json()["id"]) if answer.status_code == 202 else ""

    (row,) = live.ended(wait_until(on_sale, 20, "the booking service to know the performance"))
    assert (row["state"], row["amount"], row["currency"]) == ("CONFIRMED", 2500, "EUR")
