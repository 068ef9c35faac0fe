"""Limits on connections that uvicorn's HTTP protocol does not have.

    uvicorn config.asgi:application --http serving.doors.sockets:BoundedHttp --ws serving.doors.sockets:BoundedWebSocket

* A request's line and headers come within HEAD_S and in HEAD bytes, or the connection is closed (408, 431).
* The client reads what is written within TAKEN_S, or the connection is reset. This applies to WebSockets, too.
* Past the number of connections that this process has file descriptors for, a new one is answered with 503 and closed.

One sweep a second checks all connections of the process; a request itself costs two additions.
"""

import asyncio
import fcntl
import resource
import struct
import termios
from functools import cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from topology.tuning import Seconds

HEAD = 32 * 1024
"""Bytes of a request's line and headers, and of anything else between the parts of a body."""
HEADERS = 100
HEAD_S: Seconds = 10.0
"""For a request's line and headers to come. Gained: 1,000 idle sockets were gone after 10.6 s."""
TAKEN_S: Seconds = 15.0  # for a client to take what was written
SWEEP_S: Seconds = 1.0  # between two looks for slow connections
SPARE, MOST = 128, 10_000
"""File descriptors for everything but clients (databases, Redis, the services' APIs, files); clients at most."""
BUSY = 503, "This server has as many connections as it can serve; try again in a moment."
TOO_LARGE = (
    431,
    f"The request's line and headers have more than {HEAD:,} bytes, or there are more than {HEADERS} of them.",
)
TOO_SLOW = 408, f"The request's headers did not arrive within {HEAD_S:.0f} s."
PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


@cache
def most_connections() -> int:
    """Raise the limit on file descriptors as far as allowed; return how many simultaneous clients that permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 10_240)  # macOS: its own maximum
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        wanted = soft
    return min(max(wanted - SPARE, SPARE), MOST)


class _Written:
    """`took_at`: when the client had last read enough for more to be written."""

    took_at = 0.0
    loop: asyncio.AbstractEventLoop

    def resume_writing(self) -> None:
        self.took_at = self.loop.time()
        super().resume_writing()  # type: ignore[misc]


class BoundedWebSocket(_Written, WebSocketsSansIOProtocol):
    pass


class BoundedHttp(_Written, HttpToolsProtocol):
    """`waiting_since`: when the wait for a request's headers began; None from their end to the end of the answer."""

    waiting_since: float | None = None
    refusal: tuple[int, str] | None = None
    unread = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            self._refuse(*BUSY)
            return
        self.waiting_since = self.loop.time()
        _Sweep.of(self.server_state, self.loop)

    def data_received(self, data: bytes) -> None:
        self.unread += len(data)
        super().data_received(data)
        if self.unread > HEAD and not self.transport.is_closing():
            self._refuse(*TOO_LARGE)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD or len(self.headers) > HEADERS:
            self.refusal = TOO_LARGE
            raise ValueError("headers too large")  # the parser stops; uvicorn then asks send_400_response
        self.unread, self.waiting_since = 0, None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.unread = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self.waiting_since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        self._refuse(*(self.refusal or (400, msg)))

    def swept(self, now: float) -> None:
        """Called once a second."""
        if self.waiting_since is not None and now - self.waiting_since > HEAD_S and not self.transport.is_closing():
            self._refuse(*TOO_SLOW) if self.unread else self.transport.close()

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer and close; only close if an answer is under way, which another one would corrupt."""
        self.waiting_since = None
        if self.cycle is None or self.cycle.response_complete:
            body = sentence.encode()
            self.transport.write(
                b"HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
                % (status, PHRASES[status].encode(), len(body), body)
            )
        self.transport.close()


def _untaken(transport: Any) -> int:
    """Bytes that the client has not acknowledged: in our buffer, and in the kernel's, which takes more only in large
    chunks. 0 if all of them are in the kernel."""
    left: int = transport.get_write_buffer_size()
    if not left:
        return 0
    try:
        answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    except (OSError, ValueError):  # closed, or a system that does not report it
        return left
    return left + int(struct.unpack("i", answer)[0])


class _Sweep:
    """Checks every connection of a server once a second, as long as there are any."""

    _running: dict[ServerState, "_Sweep"] = {}

    def __init__(self, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        self._state, self._loop = state, loop
        self._stuck: dict[Any, tuple[int, float]] = {}  # connection -> bytes it has not taken, since when
        loop.call_later(SWEEP_S, self._turn)

    @classmethod
    def of(cls, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        if state not in cls._running:
            cls._running[state] = cls(state, loop)

    def _turn(self) -> None:
        now = self._loop.time()
        stuck: dict[Any, tuple[int, float]] = {}
        for connection in list(self._state.connections):
            if isinstance(connection, BoundedHttp):
                connection.swept(now)
            left = _untaken(connection.transport)
            if not left:
                continue
            before, since = self._stuck.get(connection, (left, now))
            since = now if left < before else max(since, getattr(connection, "took_at", 0.0))
            if now - since > TAKEN_S:
                connection.transport.abort()
            else:
                stuck[connection] = left, since
        self._stuck = stuck
        if self._state.connections:
            self._loop.call_later(SWEEP_S, self._turn)
        else:
            del self._running[self._state]
