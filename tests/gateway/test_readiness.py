"""Who is asked whether it is ready: a server of the test's own, that ends and begins again."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from gateway import readiness


class Ready(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # which keeps connections

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(port: int = 0) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", port), Ready) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_an_api_that_ended_and_came_back_is_not_asked_on_a_dead_connection() -> None:
    with serving() as port:
        assert readiness._api(f"http://127.0.0.1:{port}") == "ready"
    assert readiness._api(f"http://127.0.0.1:{port}") == "not reachable (ConnectError)"
    with serving(port):
        assert readiness._api(f"http://127.0.0.1:{port}") == "ready"


def test_a_look_does_not_prepare_for_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes 25 ms of a processor, in which the process does nothing else, and every page that is open has five asked."""
    made, new = 0, ssl.SSLContext.__new__

    def counted(*given: Any, **more: Any) -> ssl.SSLContext:
        nonlocal made
        made += 1
        return new(*given, **more)

    monkeypatch.setattr(ssl.SSLContext, "__new__", counted)
    readiness._client.cache_clear()
    with serving() as port:
        for _ in range(3):
            assert readiness._api(f"http://127.0.0.1:{port}") == "ready"
    assert made <= 1
