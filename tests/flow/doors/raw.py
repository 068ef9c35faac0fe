"""One HTTP request as raw bytes, and its answer."""

import json
import socket
import uuid
from dataclasses import dataclass

import httpx

from tests.live import Live

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


Case = tuple[str, bytes, Headers, bytes]


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
