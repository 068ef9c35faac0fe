"""A real uvicorn closes sockets that say nothing, say too much, or take nothing; its own protocol keeps them."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.doors import sockets
from serving.doors.sockets import HEAD, HEADERS, BoundedHttp, BoundedWebSocket
from tests.waiting import wait_until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
LARGE = 8 * 1024 * 1024
Line = socket.socket


@dataclass
class Server:
    """`connect()` opens a connection; `open()` counts those that the server has."""

    connect: Callable[[], Line]
    open: Callable[[], int]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """ "/" is short; "/large" is LARGE bytes, as fast as they are taken; "/body" reads its body; "/ws" floods its socket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "text": "x" * 65536})
    if scope["path"] == "/body":
        while (await receive()).get("more_body"):
            pass
    length = [] if scope["path"] == "/large" else [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    if scope["path"] == "/large":
        for _ in range(LARGE // 65536):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def served(http: type[asyncio.Protocol] = BoundedHttp) -> Iterator[Server]:
    config = uvicorn.Config(
        application,
        port=0,
        http=http,
        ws=BoundedWebSocket,
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        wait_until(lambda: server.started, 10, "uvicorn")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Server(
            lambda: socket.create_connection(("127.0.0.1", port), timeout=10),
            lambda: len(server.server_state.connections),
        )
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "HEAD_S", 0.3)
    monkeypatch.setattr(sockets, "TAKEN_S", 0.5)
    monkeypatch.setattr(sockets, "SWEEP_S", 0.05)


@pytest.fixture
def server() -> Iterator[Server]:
    with served() as server:
        yield server


def answer(line: Line) -> bytes:
    """Everything until the server closes."""
    taken = b""
    with suppress(ConnectionError):
        while chunk := line.recv(65536):
            taken += chunk
    return taken


def served_one(line: Line, said: bytes = GET + b"\r\n") -> bytes:
    """Ask, and read the one answer; the connection stays."""
    line.sendall(said)
    taken = b""
    while not taken.endswith(b"\r\n\r\nok"):
        chunk = line.recv(65536)
        assert chunk, taken
        taken += chunk
    return taken


def still_open(line: Line, seconds: float) -> bool:
    line.settimeout(seconds)
    try:
        return line.recv(1) != b""
    except TimeoutError:
        return True


@pytest.mark.parametrize("said", [b"", b"GET / HT", GET, GET + b"X-Slow: ", b"\r\n"], ids=range(5))
def test_a_socket_that_does_not_say_what_it_wants_is_closed(server: Server, said: bytes) -> None:
    with server.connect() as line:
        line.sendall(said)
        assert answer(line)[:12] in (b"", b"HTTP/1.1 408")


def test_a_trickle_of_headers_is_closed(server: Server) -> None:
    with server.connect() as line, pytest.raises(OSError):  # noqa: PT012 (written to until it is closed)
        line.sendall(GET)
        for _ in range(200):
            line.sendall(b"X: y\r\n")
            time.sleep(0.02)


def test_the_control_uvicorn_keeps_both() -> None:
    with served(HttpToolsProtocol) as server, server.connect() as silent, server.connect() as half:
        half.sendall(GET)
        assert still_open(silent, 1)
        assert still_open(half, 0.1)


def test_the_second_request_of_a_connection_has_the_same_time(server: Server) -> None:
    with server.connect() as line:
        served_one(line)
        line.sendall(b"GET / HT")
        assert b"HTTP/1.1 408" in answer(line)


def test_a_connection_that_asks_now_and_then_stays(server: Server) -> None:
    with server.connect() as line:
        for _ in range(4):
            served_one(line)
            time.sleep(0.2)  # longer in all than HEAD_S


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X: " + b"x" * (HEAD + 1) + b"\r\n\r\n",
        b"GET /" + b"x" * (HEAD + 1) + b" HTTP/1.1\r\n\r\n",
        GET + b"X: y\r\n" * (HEADERS + 1) + b"\r\n",
        GET + b"X: " + b"x" * 10_000_000,
        b"GET /" + b"x" * 10_000_000,
    ],
    ids=["a large header", "a long address", "many headers", "an endless header", "an endless address"],
)  # fmt: skip
def test_too_large_a_head_is_refused(server: Server, head: bytes) -> None:
    with server.connect() as line:
        with suppress(OSError):  # closed before all of it was written
            line.sendall(head)
        assert answer(line)[:12] in (b"HTTP/1.1 431", b"")


def test_what_comes_between_the_parts_of_a_body_is_bounded_too(server: Server) -> None:
    head = b"POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
    for endless in (b"0\r\nX-Trailer: ", b"1;extension="):
        with server.connect() as line:
            line.sendall(head + endless)
            with pytest.raises(OSError):  # noqa: PT012
                for _ in range(2000):
                    line.sendall(b"x" * 65536)


def test_a_body_of_many_small_parts_is_no_large_head(server: Server) -> None:
    with server.connect() as line:
        line.sendall(b"POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(50):
            line.sendall(b"1\r\nx\r\n" * 1000)
        assert b"200 OK" in served_one(line, b"0\r\n\r\n")


def test_the_control_uvicorn_waits_for_who_takes_nothing() -> None:
    with served(HttpToolsProtocol) as server, server.connect() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        wait_until(lambda: server.open() == 1, 5, "the connection to be there")
        with pytest.raises(AssertionError):
            wait_until(lambda: server.open() == 0, 1, "it to be let go")


def test_who_takes_nothing_is_let_go(server: Server) -> None:
    with server.connect() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        wait_until(lambda: server.open() == 1, 5, "the connection to be there")
        wait_until(lambda: server.open() == 0, 5, "it to be let go")


def test_who_takes_it_slowly_gets_all_of_it(server: Server) -> None:
    with server.connect() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        line.sendall(b"GET /large HTTP/1.1\r\nConnection: close\r\n\r\n")
        taken, began = 0, time.monotonic()
        while chunk := line.recv(262144):
            taken += len(chunk)
            time.sleep(0.03)
        assert taken > LARGE
        assert time.monotonic() - began > 0.5, "as fast as that it proves nothing"


def test_a_websocket_that_takes_nothing_is_let_go(server: Server) -> None:
    with server.connect() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert b"101" in line.recv(20)
        wait_until(lambda: server.open() == 0, 5, "it to be let go")


def test_past_the_number_of_connections_a_new_one_is_told_so_and_served_once_others_have_gone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "most_connections", lambda: 5)
    lines = [server.connect() for _ in range(5)]
    with server.connect() as line:
        assert answer(line).startswith(b"HTTP/1.1 503")

    def served_again() -> bool:
        with server.connect() as line:
            line.sendall(GET + b"Connection: close\r\n\r\n")
            return b"200 OK" in answer(line)

    wait_until(served_again, 5, "the silent ones to be closed")
    for line in lines:
        line.close()
