"""What strangers send and hold open is bounded in every program of a running sandbox that listens."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.live import Live

pytestmark = pytest.mark.timeout(240)
GIGABYTE = 1_000_000_000


def listeners(live: Live) -> Iterator[tuple[str, str]]:
    yield "web", live.url
    yield from live.apis.items()


def announced(url: str, path: str, *headers: str) -> bytes:
    """The first line of the answer to a request that announces a gigabyte and has sent nothing of it."""
    at = httpx.URL(url)
    with socket.create_connection((at.host, at.port or 80), timeout=20) as line:
        head = [f"POST {path} HTTP/1.1", f"Host: {at.host}:{at.port}", f"Content-Length: {GIGABYTE}", *headers, "", ""]
        line.sendall("\r\n".join(head).encode())
        return line.recv(65536).split(b"\r\n")[0]


def test_a_gigabyte_is_refused_before_any_of_it_has_come(live: Live) -> None:
    answers = {
        (name, path): announced(url, path)
        for name, url in listeners(live)
        for path in ("/nope", "/", "/book", "/api/bookings", "/api/runs", "/control/faults")
    }
    assert len({name for name, _ in answers}) == 8
    assert {told[9:12] for told in answers.values()} == {b"413"}, answers


def test_a_stranger_is_asked_who_it_is_before_an_import_is_read(live: Live) -> None:
    told = announced(live.url, "/api/runs/import", "X-Forwarded-For: 203.0.113.7")
    assert told[9:12] == b"401"
    assert announced(live.sandbox.environments.values("web")["API_URL_JOURNAL"], "/api/runs/import")[9:12] == b"401"


def test_a_thousand_idle_sockets_do_not_take_a_door_down(live: Live) -> None:
    """Half of them silent, half with half a header; with web's own more than the 1,024 descriptors a process usually has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    at = httpx.URL(live.url)
    try:
        with ExitStack() as stack:
            for number in range(1000):
                line = stack.enter_context(socket.create_connection((at.host, at.port or 80), timeout=20))
                if number % 2:
                    line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            with httpx.Client(base_url=live.url, timeout=20) as client:
                assert [client.get(path).status_code for path in ("/healthz", "/", "/bookings")] == [200] * 3
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
