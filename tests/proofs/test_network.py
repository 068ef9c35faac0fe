"""The network of our own, between a client and an echo: it passes, swallows and freezes."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from proofs.network import Network


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(1024):
            self.server.heard.append(data)  # type: ignore[attr-defined]
            self.request.sendall(data)


@pytest.fixture
def echo() -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads, server.heard = True, []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def network(echo: Any) -> Iterator[Network]:
    with Network(echo.server_address[1]) as network:
        yield network


def dial(network: Network) -> socket.socket:
    return socket.create_connection(("127.0.0.1", network.port), timeout=2)


def says(client: socket.socket, text: bytes, within: float = 2) -> bytes:
    client.settimeout(within)
    client.sendall(text)
    return client.recv(1024)


def hung_up(client: socket.socket) -> bool:
    client.settimeout(2)
    try:
        return client.recv(1024) == b""
    except ConnectionResetError:
        return True


def test_it_passes_and_what_it_freezes_comes_late(network: Network) -> None:
    with dial(network) as client:
        assert says(client, b"one") == b"one"
        network.freeze()
        with pytest.raises(TimeoutError):
            says(client, b"two", within=0.2)
        network.flow()
        client.settimeout(2)
        assert client.recv(1024) == b"two"


def test_what_it_swallows_never_comes_and_the_connection_is_cut_at_last(network: Network, echo: Any) -> None:
    with dial(network) as client, dial(network) as idle:
        assert says(idle, b"zero") == b"zero"
        network.swallow()
        with pytest.raises(TimeoutError):
            says(client, b"one", within=0.2)
        assert b"one" not in echo.heard
        network.flow()
        assert hung_up(client)
        assert says(idle, b"two") == b"two", "it has lost nothing"
        with dial(network) as another:
            assert says(another, b"three") == b"three"


def test_it_can_lose_the_answers_only(network: Network, echo: Any) -> None:
    with dial(network) as client:
        assert says(client, b"one") == b"one"
        network.swallow(answers=True)
        with pytest.raises(TimeoutError):
            says(client, b"two", within=0.2)
        assert b"two" in echo.heard


def test_a_server_that_is_away_is_away(network: Network) -> None:
    with Network(9) as nowhere, dial(nowhere) as client:
        assert hung_up(client)
