"""What the gateway takes, and what it leaves to Django. That both give the same answers is seen in tests/flow."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from django.conf import LazySettings
from redis import Redis

from gateway import fast_path
from gateway.fast_path import Gateway
from gateway.pressure import LATE_S, Pressure
from journal.recording.broadcast import STATUS
from sandbox.layout import free_ports

LEFT = 299


async def django(scope: Any, receive: Any, send: Any) -> None:
    """Stands where Django stands: whoever gets this status was left to it."""
    await send({"type": "http.response.start", "status": LEFT, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(method: str = "POST", path: str = "/api/bookings", **request: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        one = Gateway(django)
        try:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(one), base_url="http://localhost") as client:
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


async def parts() -> Any:
    yield b"{}"


@pytest.mark.parametrize(
    "odd",
    [
        {"method": "GET"},
        {"path": "/api/bookings/"},
        {"headers": {"Host": "elsewhere.example"}},
        {"headers": [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]},
        {"headers": {"Idempotency-Key": b"\xe9"}},
        {"headers": {"Content-Length": "many"}},
        {"content": b" " * (64 * 1024 + 1)},
        {"content": "in parts"},
    ],
    ids=["another method", "another path", "a foreign host", "a key twice", "a key that is no text", "a length that is no number",
         "a large body", "a body of unknown length"],
)  # fmt: skip
def test_what_is_not_ordinary_is_left_to_django(odd: dict[str, Any]) -> None:
    assert ask(**odd | ({"content": parts()} if odd.get("content") == "in parts" else {})).status_code == LEFT


def test_back_pressure_and_not_knowing_of_any_is_left_to_django(calm: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_path, "PRESSURE", Pressure(calm))
    assert ask().status_code == LEFT, "nobody has asked yet"
    calm.hset(STATUS, mapping={"behind_ms": (LATE_S + 1) * 1000, "at": datetime.now(UTC).isoformat()})
    late = Pressure(calm)
    late._late_s.get()
    monkeypatch.setattr(fast_path, "PRESSURE", late)
    assert ask().status_code == LEFT
