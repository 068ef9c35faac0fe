"""The pages' socket as a client sees it: no gap and no double, whatever the cursor; and what it refuses."""

import re
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets import Origin
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.live import Live
from tests.waiting import wait_until

HEAD = re.compile(r'^<data value="(\d+)" data-after="(\d+)" data-head="(\d+)" data-people="(\d+)"')
RELOAD = "data-reload"


class Reader:
    """One page's socket. `seen` are the positions in the order they came; a frame that does not continue the last one fails."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self.seen: list[int] = []
        self.pos, self.people = -1, 0
        self.reload = False

    def read(self, timeout: float = 15) -> None:
        text = str(self.line.recv(timeout))
        if RELOAD in text:
            self.reload = True
            return
        pos, after, _, self.people = map(int, HEAD.match(text).groups())  # type: ignore[union-attr]
        assert self.pos in (-1, after), "a frame continues another cursor"
        self.seen += sorted(map(int, re.findall(r'<li[^>]* data-pos="(\d+)"', text)))
        self.pos = pos

    def sees(self, people: int) -> bool:
        """Whether the newest frame says that so many people are here; read another one if not."""
        if self.people != people:
            self.read()
        return self.people == people

    def until(self, pos: int) -> None:
        while self.pos < pos and not self.reload:
            self.read()


def standing(live: Live) -> dict[str, Any]:
    found: dict[str, Any] = live.http.get("/live/head").json()
    return found


@contextmanager
def page(live: Live, origin: str | None = None, **query: Any) -> Iterator[Reader]:
    address = httpx.URL(f"{live.url}/ws/journal".replace("http", "ws", 1), params=query)
    with connect(str(address), origin=Origin(origin or live.url), max_size=None, compression=None) as line:
        yield Reader(line)


def booked(live: Live, count: int = 1) -> int:
    """Place bookings, wait for their end, and return the position by which the journal tells of it."""
    live.ended(*[live.place([label], "concert-2024") for label in live.free_seats(count)])
    return int(standing(live)["pos"])


def test_with_its_cursor_a_client_comes_back_to_exactly_what_it_missed_and_without_it_does_not(live: Live) -> None:
    start = standing(live)
    with page(live, after=start["pos"], epoch=start["epoch"], log=1) as reader:
        reader.until(booked(live))
        seen, left_at = reader.seen, reader.pos
    assert seen == list(range(start["pos"] + 1, left_at + 1))
    missed = booked(live)
    with page(live, after=left_at, epoch=start["epoch"], log=1) as reader:
        reader.until(missed)
        assert reader.seen == list(range(left_at + 1, reader.pos + 1))
    # The control: an address that stays as it was brings again what is known, and one without a cursor brings nothing of it.
    with page(live, after=start["pos"], epoch=start["epoch"], log=1) as frozen:
        frozen.until(missed)
        assert set(frozen.seen) & set(seen), "nothing came twice"
    with page(live, log=1) as forgetful:
        forgetful.read()
        assert forgetful.seen == []
        assert forgetful.pos >= missed > left_at, "nothing was missed"


def test_a_cursor_that_means_nothing_here_leads_to_a_fresh_page(live: Live) -> None:
    start = standing(live)
    far = start["pos"] + 1_000_000
    for after, epoch in [
        (far, start["epoch"]),
        (start["pos"], str(uuid.uuid4())),
        ("-5", start["epoch"]),
        ("abc", start["epoch"]),
        ("9" * 60, start["epoch"]),
        (start["pos"], ""),
    ]:
        with page(live, after=after, epoch=epoch, log=1) as reader:
            reader.read()
            assert reader.reload, (after, epoch)


def test_a_foreign_page_is_refused(live: Live) -> None:
    port = httpx.URL(live.url).port or 80
    neighbour, secure = f"http://127.0.0.1:{port + 1}", f"https://127.0.0.1:{port}"
    for origin in ("https://elsewhere.example", "null", "http://127.0.0.1.elsewhere.example", neighbour, secure):
        with pytest.raises(InvalidStatus) as refused, page(live, origin=origin):
            pass
        assert refused.value.response.status_code == 403


def test_an_address_without_a_socket_is_not_found(live: Live) -> None:
    """At the front door, and at a service, which has none at all."""
    for url in (live.url, live.sandbox.environments.values("web")["API_URL_SEATS"]):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(f"{url}/ws/none".replace("http", "ws", 1), origin=Origin(live.url)),
        ):
            pass
        assert refused.value.response.status_code == 404


def test_a_page_that_speaks_is_hung_up_on_and_a_flood_is_not_even_read(live: Live) -> None:
    with page(live) as reader:
        reader.line.send("book a seat")
        with pytest.raises(ConnectionClosed) as closed:
            reader.until(10**15)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
    with page(live) as reader:
        with suppress(ConnectionClosed):  # perhaps before all of it is written
            reader.line.send("x" * 8_000_000)
        with pytest.raises(ConnectionClosed):
            reader.until(10**15)
        assert reader.line.close_code in (1009, 1006)
    assert live.http.get("/healthz").status_code == 200


def test_people_are_counted_once_however_many_tabs_they_have_open(live: Live) -> None:
    one, other = str(uuid.uuid4()), str(uuid.uuid4())
    with page(live, who=one) as first:
        wait_until(lambda: first.sees(1), 20, "everybody else to be gone")
        with page(live, who=one), page(live, who=other):
            wait_until(lambda: first.sees(2), 20, "the other to be counted")
        wait_until(lambda: first.sees(1), 20, "the other to be gone")


def test_all_come_back_after_the_server_has_gone_with_1012_and_miss_nothing(live: Live) -> None:
    start = standing(live)
    with page(live, after=start["pos"], epoch=start["epoch"], log=1) as reader:
        reader.read()
        live.sandbox.stop_process("web")
        with pytest.raises(ConnectionClosed) as closed:
            reader.until(10**15)
        left_at = reader.pos
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    live.sandbox.start_process("web")
    live.sandbox.wait_healthy("web")
    missed = booked(live)
    with page(live, after=left_at, epoch=start["epoch"], log=1) as reader:
        reader.until(missed)
        assert reader.seen == list(range(left_at + 1, reader.pos + 1))


def test_one_that_reads_nothing_keeps_nobody_waiting(live: Live) -> None:
    """Its frames wait in the kernel and in one buffer; the others get theirs."""
    start = standing(live)
    address = f"/ws/journal?after=0&epoch={start['epoch']}&log=1"
    port = httpx.URL(live.url).port
    with socket.create_connection(("127.0.0.1", port)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(
            f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {live.url}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        with page(live, after=start["pos"], epoch=start["epoch"], log=1) as reader:
            end = booked(live)
            reader.until(end)
            assert reader.seen == list(range(start["pos"] + 1, reader.pos + 1))
