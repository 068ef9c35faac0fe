"""Odd headers, addresses, methods, encodings, bodies and forms, and where each may be sent."""

import json
from collections.abc import Iterator
from itertools import product

from tests.flow.doors.raw import BOOKING, FORM, GOOD, JSON, MULTIPART, Case, Headers

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
    "/console/run": ["service", "sql"], "/replay/start": ["name", "seed"], "/matrix/start": ["what"],
    f"/bookings/{BOOKING}/cancel": ["customer", "why"],
    "/customers/123/rename": ["name", "version"], f"/operate/sagas/{BOOKING}/retry-now": ["who", "why"],
    f"/operate/letters/seats/{BOOKING}/edit-and-retry": ["who", "why", "data"], f"/replay/{BOOKING}/rename": ["name"],
    "/faults/payment-declined": ["x"],
    f"/replay/{BOOKING}/delete": ["x"], "/rail/resume/abc": ["x"],
}  # fmt: skip
METHODS = ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "BREW", "get", "QUERY"]
PLACES = [
    "/", "/bookings", "/customers/123", "/tickets/x", "/console", "/console/run", "/replay", "/book", "/faults",
    "/api/bookings", "/api/performances", "/api/runs",
    f"/api/bookings/{BOOKING}/cancel", "/api/customers/123", "/api/faults/points", "/readyz", "/healthz",
    "/static/stage/stage.css", "/nowhere", "/api/nowhere",
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


def forms_table(page: Headers) -> Iterator[Case]:
    """One odd value in each field of each form, the others left out."""
    for number, ((path, names), text) in enumerate(product(FORMS.items(), ODD_TEXTS)):
        for name in names:
            more = [(b"Content-Type", FORM), (b"Idempotency-Key", f"odd-{number}-{name}".encode()), *page]
            yield "POST", path.encode(), more, name.encode() + b"=" + text
