"""Odd headers, addresses, methods, encodings and forms at the real doors, byte by byte: never a 5xx,
and the API says why."""

import json
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import httpx
import pytest

from tests.live import Live

pytestmark = pytest.mark.timeout(240)
BOOKING = str(uuid.UUID(int=7))
GOOD = {"performance": "studio-night", "seats": ["A-1"], "customer": 123, "payment_method": "tok_visa"}
FORM, MULTIPART, JSON = (
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"application/json",
)
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, str]:
        assert self.headers["content-type"] == "application/problem+json", self
        found: dict[str, str] = json.loads(self.body)
        assert found["status"] == self.status
        assert found["detail"]
        return found


def send(url: str, method: str, path: bytes, headers: Headers = (), body: bytes = b"", host: bytes = b"") -> Answer:  # type: ignore[assignment]
    """One request as raw bytes, and its answer. Status 0: the server closed the connection without a word."""
    at = httpx.URL(url)
    lines = [method.encode() + b" " + path + b" HTTP/1.1", b"Host: " + (host or at.netloc)]
    lines += [name + b": " + value for name, value in headers]
    if body and not any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in headers):
        lines.append(b"Content-Length: %d" % len(body))
    with socket.create_connection((at.host, at.port or 80), timeout=30) as line:
        line.sendall(b"\r\n".join([*lines, b"Connection: close", b"", body]))
        taken = b""
        try:
            while chunk := line.recv(65536):
                taken += chunk
        except ConnectionResetError:
            pass
    head, _, rest = taken.partition(b"\r\n\r\n")
    if not head:
        return Answer(0, {}, b"")
    first, *others = head.decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in others)
    found = {name.lower(): value for name, value in pairs}
    if found.get("transfer-encoding") == "chunked":
        rest = _joined(rest)
    return Answer(int(first.split()[1]), found, rest)


def _joined(rest: bytes) -> bytes:
    whole = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        whole, rest = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return whole


ODD_VALUES = [
    "ключ-1".encode(), "é".encode(), "🎫".encode(), b"caf\xe9-1", b"\xff\xfe", b"", b" ", b"order 15", b"a\tb",
    b"x" * 256, b"x" * 9000,
    b"\x7f", "\u202e".encode(), b"a,b", b'"quoted"', b"%00", b"\\u0000", b";charset=",
    b"application/json; charset=\xc3\xa9",
    b"application/json; charset=idna", b"text/html; charset=undefined", b"a" * 200 + b"/" + b"b" * 200,
    b"=?utf-8?b?eA==?=", b"-1", b"1e400",
    b"9" * 5000, b"null", b"[::1", b"http://[", b"bytes=0-0,-1", b"Bearer", b"Bearer \xe9", b"Basic x", b"yes:forged",
    b"a=b; a; =; \xe9=1",
]  # fmt: skip
ODD_HEADERS = [
    b"Idempotency-Key", b"Content-Type", b"Accept", b"Accept-Encoding", b"Accept-Language", b"Cookie",
    b"Authorization", b"Origin", b"Referer",
    b"Range", b"If-Modified-Since", b"If-None-Match", b"User-Agent", b"X-Forwarded-For", b"X-Forwarded-Proto",
    b"X-Forwarded-Host",
    b"HX-Request", b"HX-Current-URL", b"HX-Target", b"HX-Trigger", b"HX-Prompt", b"X-CSRFToken", b"Expect",
    b"Upgrade", b"X-HTTP-Method-Override",
    b"Content-Encoding", b"Content-Disposition", b"Forwarded", b"TE", b"Via",
]  # fmt: skip
ODD_TEXTS = [
    b"%00", b"a%00b", b"%ff", b"%C3%28", b"%ED%A0%80", b"%E2%80%AE", b"%0d%0aX: y", b"%2e%2e%2f%2e%2e", b"..%5c",
    b"%25", b"%", b"%zz", b"%u0041",
    b"9" * 5000, b"99999999999999999999", b"-1", b"1e309", b"NaN", b"%F0%9F%8E%AB", b"'%22;--", b"{{7*7}}",
    b"%3Cscript%3E", b"x" * 3000, b"%20", b";",
    b"a=b", b"%EF%BF%BD", b"%CC%81" * 200, b"2262-04-12T00:00:00Z", b"%D9%A3",
]  # fmt: skip
SPOTS = [
    "/{}", "/?performance={}", "/?booking={}", "/?customer={}", "/?pos={}", "/opening?performance={}",
    "/first-run?{}", "/bookings?state={}",
    "/bookings?q={}", "/bookings?customer={}", "/bookings?performance={}", "/bookings?page={}", "/bookings?after={}",
    "/bookings?before={}",
    "/bookings/{}", "/bookings/{}/panel", "/bookings/recent?{}={}", f"/bookings/{BOOKING}/panel?pos={{}}",
    f"/bookings/{BOOKING}/entries/{{}}",
    f"/bookings/{BOOKING}?pos={{}}", "/customers?q={}", "/customers?page={}", "/customers/{}", "/customers/{}/names",
    "/tickets/{}", "/sales?performance={}",
    "/console?service={}", "/console?sql={}", "/console?example={}", "/operate?{}", "/replay/{}",
    "/replay/of?booking={}", "/replay/of?pos={}",
    "/replay/diagram?booking={}", "/replay/diagram?from={}", "/replay/diagram?to={}", "/replay/diagram?run={}",
    f"/replay/{BOOKING}/moment?pos={{}}",
    f"/replay/{BOOKING}?pos={{}}", "/matrix?only={}", "/matrix/grid?{}", "/rail/form?service={}",
    "/rail/form?point={}", "/rail/form?customer={}", "/faults/{}",
    "/rail/mechanisms/{}", "/static/{}", "/static/dashboard/{}", "/live/head?{}", "/verdict?after={}", "/api/{}",
    "/api/performances/{}/seats",
    "/api/customers/{}", "/api/bookings/{}", "/api/bookings/{}/saga", "/api/{}/events", "/api/seats/events?after={}",
    "/api/seats/events?limit={}",
    "/api/{}/dead-letters", "/api/seats/dead-letters?settled={}", "/api/runs/{}", "/api/runs/{}/export",
    "/api/runs/imports/{}", "/api/faults/{}", "/api/verdict?{}",
    "/api/replay/check?{}", "/api/operator/{}", "/api/openapi.json?{}", "/api/docs?{}",
]  # fmt: skip
FORMS = {
    "/book": ["performance", "seats", "customer", "payment_method"], "/rail/arm": ["service", "point", "action",
    "message", "seat", "customer",
    "booking", "kind", "times", "probability", "seed", "after", "seconds", "reason", "direction", "name", "target"],
    "/rail/operator": ["token"],
    "/console/run": ["service", "sql"], "/replay/start": ["name", "seed"], "/matrix/start": ["only", "what"],
    f"/bookings/{BOOKING}/cancel": ["customer", "why"],
    "/customers/123/rename": ["name", "version"], f"/operate/sagas/{BOOKING}/retry-now": ["who", "why"],
    f"/operate/letters/seats/{BOOKING}/edit-and-retry": ["who", "why", "data"], f"/replay/{BOOKING}/rename": ["name"],
    "/faults/payment-declined": ["x"],
    f"/replay/{BOOKING}/delete": ["x"], "/rail/go-on/abc": ["x"],
}  # fmt: skip
METHODS = ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "BREW", "get", "QUERY"]
PLACES = [
    "/", "/bookings", "/customers/123", "/tickets/x", "/console", "/console/run", "/replay", "/book", "/faults",
    "/api/bookings", "/api/performances", "/api/runs",
    f"/api/bookings/{BOOKING}/cancel", "/api/customers/123", "/api/faults/points", "/readyz", "/healthz",
    "/static/dashboard/stage.css", "/nowhere", "/api/nowhere",
]  # fmt: skip
BODIES = [
    b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"\x00", b'{"a": NaN}', b"[" * 50_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"customer": 1e999}',
    json.dumps(GOOD).encode(), json.dumps(GOOD | {"seats": ["\x00"]}).encode(),
    json.dumps(GOOD | {"performance": "\ud800"}).encode(),
    json.dumps(GOOD).encode("utf-16"), b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    b'{"customer": ' + b"9" * 5000 + b"}", b"name=%00", b"a=1&" * 2000,
    b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\x00\r\n--x--\r\n", b"--x\r\n\r\n", b"--x--\r\n" * 100,
    b"--x\r\nContent-Disposition: form-data; name=\"f\"; "
    b"filename=\"\x00/../x\"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--\r\n",
]  # fmt: skip
KINDS = [
    JSON, FORM, MULTIPART, b"text/plain", b"multipart/form-data", b"multipart/form-data; boundary=\xe9",
    b"multipart/form-data; boundary=x; charset=base64",
    b"application/x-www-form-urlencoded; charset=utf-16", b"application/x-www-form-urlencoded; charset=rot13",
    b"application/x-ndjson", b"\xc3\xa9/\xc3\xa9",
]  # fmt: skip
WRITES = [
    ("POST", "/api/bookings"), ("POST", f"/api/bookings/{BOOKING}/cancel"), ("PATCH", "/api/customers/123"), ("POST",
    "/api/performances"), ("POST", "/api/faults"),
    ("PUT", "/api/mechanisms"), ("POST", "/api/runs"), ("POST", "/api/runs/import"), ("PATCH",
    f"/api/runs/{BOOKING}"), ("POST", f"/api/operator/sagas/{BOOKING}/skip"),
    ("POST", f"/api/seats/dead-letters/{BOOKING}/edit-and-retry"), ("POST", "/book"), ("POST", "/console/run"),
    ("POST", "/rail/arm"), ("POST", "/replay/start"),
    ("POST", "/customers/123/rename"), ("POST", "/nowhere"), ("GET", "/bookings"),
]  # fmt: skip
Case = tuple[str, bytes, Headers, bytes]


def headers_table() -> Iterator[Case]:
    for name, value in product(ODD_HEADERS, ODD_VALUES):
        yield "GET", b"/bookings", [(name, value)], b""
        yield "POST", b"/api/bookings", [(b"Content-Type", JSON), (b"Idempotency-Key", b"k"), (name, value)], b"{}"


def addresses_table() -> Iterator[Case]:
    for spot, text in product(SPOTS, ODD_TEXTS):
        yield "GET", spot.replace("{}", text.decode("latin-1")).encode("latin-1").replace(b" ", b"+"), [], b""


def methods_table() -> Iterator[Case]:
    for method, place in product(METHODS, PLACES):
        yield method, place.encode(), [], b""


def bodies_table() -> Iterator[Case]:
    for (method, place), kind, body in product(WRITES, KINDS, BODIES):
        yield method, place.encode(), [(b"Content-Type", kind), (b"Idempotency-Key", b"k")], body


TABLES = {"headers": headers_table, "addresses": addresses_table, "methods": methods_table, "bodies": bodies_table}


def bad(url: str, case: Case) -> str:
    """What must not be about the answer to this case; "" if it is well."""
    method, path, headers, body = case
    try:
        answer = send(url, method, path, headers, body)
    except OSError as error:
        return f"{method} {path[:80]!r} {headers} {body[:60]!r}: {error!r}"
    if answer.status >= 500 or not answer.status:
        return f"{answer.status} {method} {path[:80]!r} {headers} {body[:60]!r}: {answer.body[:200]!r}"
    return ""


def session(live: Live) -> Headers:
    """What a page's own POST brings: the cookie, its token, its Origin."""
    live.http.get("/")
    token = live.http.cookies["csrftoken"].encode()
    return [
        (b"Cookie", b"csrftoken=" + token),
        (b"X-CSRFToken", token),
        (b"Origin", live.url.encode()),
        (b"HX-Request", b"true"),
    ]


def forms_table(page: Headers) -> Iterator[Case]:
    """One odd value in each field of each form, the others left out."""
    for number, ((path, names), text) in enumerate(product(FORMS.items(), ODD_TEXTS)):
        for name in names:
            more = [(b"Content-Type", FORM), (b"Idempotency-Key", f"odd-{number}-{name}".encode()), *page]
            yield "POST", path.encode(), more, name.encode() + b"=" + text


def sample(cases: Iterator[Case], count: int = 150) -> list[Case]:
    """Spread over the table, so that each row and each column has some."""
    found = list(cases)
    step = max(len(found) // count, 1)
    return found[:: step + (step > 1 and step % 2 == 0)]


@pytest.mark.parametrize("table", TABLES)
def test_nothing_odd_is_our_mistake(live: Live, table: str) -> None:
    assert [found for case in sample(TABLES[table]()) if (found := bad(live.url, case))] == []


def test_no_odd_form_is_our_mistake(live: Live) -> None:
    assert [found for case in sample(forms_table(session(live))) if (found := bad(live.url, case))] == []


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_none_of_all_the_odd_requests_is_our_mistake(live: Live) -> None:
    cases = [case for table in TABLES.values() for case in table()] + list(forms_table(session(live)))
    assert [found for case in cases if (found := bad(live.url, case))] == []


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
