"""Bodies are refused by their length, or as soon as they have been counted, before the application behind sees any of them."""

import asyncio
import itertools
import json
from collections.abc import Iterable
from typing import Any

import pytest

from serving.doors import bodies
from serving.doors.bodies import DRAINED, LONGEST, Bounded
from serving.problems import Problem

PART = 16 * 1024


class Behind:
    """Stands where the application stands: `body` is what it was handed, None while it was not asked."""

    def __init__(self) -> None:
        self.body: bytes | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.body, more = b"", True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            self.body, more = self.body + event["body"], event["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


class Client:
    """Sends parts as they are asked for; `read` counts them. Then it waits for ever, or goes."""

    def __init__(self, parts: Iterable[bytes], *, goes: bool = False) -> None:
        self._parts, self._goes, self.read = iter(parts), goes, 0
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        part = next(self._parts, None)
        if part is None and self._goes:
            return {"type": "http.disconnect"}
        if part is None:
            await asyncio.Event().wait()
        self.read += len(part or b"")
        assert self.read < 4 * DRAINED, "it is read without an end"
        return {"type": "http.request", "body": part, "more_body": part != b""}

    async def send(self, event: Any) -> None:
        self.sent.append(event)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


def ask(
    client: Client, *, length: int | None = None, unbounded: Any = lambda scope: False, path: str = "/nope"
) -> Behind:
    behind = Behind()
    headers = [(b"transfer-encoding", b"chunked")] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    asyncio.run(asyncio.wait_for(Bounded(behind, unbounded)(scope, client.receive, client.send), 10))
    return behind


def test_a_small_body_is_handed_on_in_one_piece() -> None:
    client = Client([b"a" * PART, b"b" * PART, b""])
    assert ask(client).body == b"a" * PART + b"b" * PART
    assert client.status == 200


def test_a_body_of_the_greatest_length_is_handed_on() -> None:
    client = Client([b"a" * LONGEST, b""])
    assert len(ask(client, length=LONGEST).body or b"") == LONGEST


def test_a_large_one_is_refused_by_its_length_unread() -> None:
    client = Client(itertools.repeat(b"a" * PART))
    assert ask(client, length=300_000_000).body is None
    assert (client.status, client.read) == (413, 0)
    assert (b"connection", b"close") in client.sent[0]["headers"]
    assert json.loads(client.sent[1]["body"])["detail"] == "a body has at most 65,536 bytes here"


def test_an_endless_one_is_refused_when_it_has_been_counted() -> None:
    client = Client(itertools.repeat(b"a" * PART))
    assert ask(client).body is None
    assert client.status == 413
    assert client.read <= DRAINED + PART


def test_one_that_is_a_little_too_large_is_read_to_its_end_so_that_the_answer_is_seen() -> None:
    client = Client([b"a" * LONGEST, b"a", b""])
    assert ask(client, length=LONGEST + 1).body is None
    assert (client.status, client.read) == (413, LONGEST + 1)


@pytest.mark.parametrize("length", [None, 5])
def test_one_that_does_not_come_is_not_waited_for(length: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READ_S", 0.1)
    client = Client([b"a"])
    assert ask(client, length=length).body is None
    assert client.status == 408


def test_a_client_that_goes_is_not_answered() -> None:
    client = Client([b"a"], goes=True)
    assert ask(client).body is None
    assert client.sent == []


def test_only_who_may_brings_a_body_of_any_size() -> None:
    parts = [b"a" * PART] * 10 + [b""]
    assert len(ask(Client(parts), unbounded=lambda scope: True).body or b"") == 10 * PART

    def stranger(scope: Any) -> bool:
        raise Problem(401, "Operators only", "who are you?")

    client = Client(parts)
    assert ask(client, unbounded=stranger).body is None
    assert (client.status, client.read) == (401, 0)


def test_a_large_body_that_stops_on_the_way_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READ_S", 0.1)
    client = Client([b"a" * PART])
    assert ask(client, unbounded=lambda scope: True).body == b"a" * PART
    assert client.sent == [], "the application takes the client as gone"


def test_a_request_without_a_body_is_passed_on_untouched() -> None:
    seen: list[Any] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        seen.append(receive)

    client = Client([])
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(Bounded(behind)(scope, client.receive, client.send))
    assert seen == [client.receive]
