"""What the gateway takes, and what it leaves to Django. That both give the same answers is seen in tests/flow."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from django.conf import LazySettings
from django.core.signing import Signer
from redis import Redis

from gateway import fast_path
from gateway.fast_path import Gateway
from gateway.people.visitor import COOKIE, SALT, pseudonym
from gateway.pressure import MOST_UNREAD, Pressure
from messaging.wal import unread
from sandbox.layout import free_ports
from serving.doors.bodies import Bounded

LEFT = 299


async def django(scope: Any, receive: Any, send: Any) -> None:
    """Stands where Django stands: whoever gets this status was left to it."""
    await send({"type": "http.response.start", "status": LEFT, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(method: str = "POST", path: str = "/api/bookings", **request: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        one = Gateway(django)
        transport = httpx.ASGITransport(Bounded(one))
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, **({"content": b"{}"} | request))
        finally:
            await one.close()

    return asyncio.run(asked())


@pytest.fixture(autouse=True)
def calm(redis: Redis, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Redis:
    """A recorder that keeps up, as the front door has just heard, and a booking service that is not there."""
    settings.API_URLS = {"booking": f"http://127.0.0.1:{free_ports(['booking'])['booking']}"}
    pressure = Pressure(redis)
    pressure.check()
    monkeypatch.setattr(fast_path, "PRESSURE", pressure)
    return redis


def test_an_ordinary_booking_is_handed_over_and_a_service_that_is_down_is_named() -> None:
    answer = ask(headers={"Idempotency-Key": "k"})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Service unavailable"
    assert "service 'booking' does not answer" in answer.json()["detail"]


@pytest.fixture
def booking(settings: LazySettings) -> Iterator[list[tuple[dict[str, str], bytes]]]:
    """Listens where the booking service would, and returns the requests that arrive: headers, and body."""
    arrived: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            arrived.append((headers, self.rfile.read(int(headers["content-length"]))))
            self.send_response(202)
            for name, value in (("Location", "/here"), ("Content-Type", "application/json"), ("Content-Length", "2")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    settings.API_URLS = {"booking": f"http://127.0.0.1:{server.server_port}"}
    try:
        yield arrived
    finally:
        server.shutdown()
        server.server_close()


def visitors_cookie() -> str:
    return f"{COOKIE}={Signer(salt=SALT).sign('ab')}"


def test_a_visitor_who_asks_for_a_foreign_host_is_left_to_django() -> None:
    assert ask(headers={"Cookie": visitors_cookie(), "Host": "elsewhere.example"}).status_code == LEFT
    assert ask(headers={"Cookie": visitors_cookie()}).status_code == 503, "the control: handed over"


async def parts() -> Any:
    yield b'{"in":'
    yield b'"parts"}'


def test_its_body_key_and_visitor_are_forwarded_and_the_answer_is_returned(
    booking: list[tuple[dict[str, str], bytes]],
) -> None:
    sent = {"Idempotency-Key": "k", "Cookie": f"other=1; {visitors_cookie()}", "X-Placed-By": "somebody else"}
    answer = ask(content=parts(), headers=sent)
    assert (answer.status_code, answer.headers["location"], answer.content) == (202, "/here", b"{}")
    ((headers, body),) = booking
    assert body == b'{"in":"parts"}'
    assert headers["content-type"] == "application/json"
    assert (headers["idempotency-key"], headers["x-placed-by"]) == ("k", pseudonym("ab"))
    assert "cookie" not in headers


@pytest.mark.parametrize(
    "odd",
    [
        {"method": "GET"},
        {"path": "/api/bookings/"},
        {"headers": {"Host": "elsewhere.example"}},
        {"headers": [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]},
        {"headers": {"Idempotency-Key": b"\xe9"}},
        {"headers": {"Content-Type": b"text/\xe9"}},
    ],
    ids=["another method", "another path", "a foreign host", "a key twice", "a key that is no text", "a type that is no text"],
)  # fmt: skip
def test_what_is_not_ordinary_is_left_to_django(odd: dict[str, Any]) -> None:
    assert ask(**odd).status_code == LEFT


def test_back_pressure_and_not_knowing_of_any_is_left_to_django(calm: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_path, "PRESSURE", Pressure(calm))
    assert ask().status_code == LEFT, "nobody has asked yet"
    unread.report(calm, "seats", MOST_UNREAD + 1)
    late = Pressure(calm)
    late._unread.get()
    monkeypatch.setattr(fast_path, "PRESSURE", late)
    assert ask().status_code == LEFT
