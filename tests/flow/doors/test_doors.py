"""Keys, content types and addresses that the doors refuse, byte by byte: the API says why."""

import json
from itertools import product

import pytest

from tests.flow.doors.odd import ODD_VALUES
from tests.flow.doors.raw import BOOKING, GOOD, JSON, send
from tests.live import Live

pytestmark = pytest.mark.timeout(240)


BAD_KEYS = {
    "Cyrillic": ([ODD_VALUES[0]], "character 1 of the Idempotency-Key is not a visible ASCII character"),
    "an emoji": (["🎫".encode()], "character 1 of the Idempotency-Key is not a visible ASCII character"),
    "latin-1": ([b"caf\xe9-1"], "character 4 of the Idempotency-Key is not a visible ASCII character"),
    "a space": ([b"order 15"], "character 6 of the Idempotency-Key is a space"),
    "a tab": ([b"a\tb"], "character 2 of the Idempotency-Key is not a visible ASCII character"),
    "too long": ([b"x" * 256], "the Idempotency-Key has 256 characters"),
    "none": ([], "there is no Idempotency-Key"),
    "empty": ([b""], "there is no Idempotency-Key"),
    "two": ([b"a1", b"a2"], "the Idempotency-Key header is there twice"),
    "the same twice": ([b"a1", b"a1"], "the Idempotency-Key header is there twice"),
}


@pytest.mark.parametrize("what", BAD_KEYS)
def test_a_key_that_is_none_is_refused_with_a_true_sentence(live: Live, what: str) -> None:
    """At the front door, which hands it on, and at Booking, which any other caller may ask."""
    keys, sentence = BAD_KEYS[what]
    headers = [(b"Content-Type", JSON), *((b"Idempotency-Key", key) for key in keys)]
    behind = live.sandbox.environments.values("web")["API_URL_BOOKING"]
    asked = [
        ("POST", b"/api/bookings", json.dumps(GOOD)), ("POST", f"/api/bookings/{BOOKING}/cancel".encode(),
        '{"customer": 123}'),
        ("PATCH", b"/api/customers/123", '{"name": "Anna"}'),
    ]  # fmt: skip
    for url, (method, path, body) in product([live.url, behind], asked):
        answer = send(url, method, path, headers, body.encode())
        assert answer.status == 400, (url, method, path, answer)
        assert sentence in answer.problem()["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=é".encode(), b"caf\xe9/x", "ключ".encode()])
def test_a_content_type_that_cannot_be_handed_on_is_refused(live: Live, kind: bytes) -> None:
    for method, path in [
        ("POST", "/api/bookings"),
        ("POST", f"/api/bookings/{BOOKING}/cancel"),
        ("PATCH", "/api/customers/123"),
    ]:
        answer = send(live.url, method, path.encode(), [(b"Content-Type", kind), (b"Idempotency-Key", b"k")], b"{}")
        assert answer.status == 400
        assert "Content-Type" in answer.problem()["detail"]


@pytest.mark.parametrize(
    "path", ["/?performance=%00", "/api/performances/%00/seats", "/nowhere/%00", "/api/seats/events?after=%00"]
)
def test_an_address_with_a_zero_byte_is_no_address(live: Live, path: str) -> None:
    answer = send(live.url, "GET", path.encode())
    assert answer.status == 400
    assert "zero byte" in (answer.problem()["detail"] if path.startswith("/api/") else answer.body.decode())
