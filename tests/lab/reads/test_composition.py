"""Composition by itself: how many calls, what is missing, who may see what. Its APIs are small real servers over HTTP."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lab.reads.composition import BOOKING, FAIL, HOW, PAYMENTS, SEATS, TICKETS, Caller, Incomplete, Question, compose
from lab.waterfall import Span

BOOKINGS = [{"id": f"b{number}", "customer_id": number % 3} for number in range(10)]


class Owners(BaseHTTPRequestHandler):
    """Answers as the owners of the parts do. `down`: paths that begin so answer 503; `asked`: every path. `cut`: paths that
    begin so find their connection closed, the first time."""

    down: str = "/nothing"
    cut: str = "/nothing"
    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path.startswith(self.cut) and self.asked.count(self.path) == 1:
            self.close_connection = True
            return None
        if self.path.startswith(self.down):
            return self._say(503, {"title": "down"})
        where = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(where.query).items()}
        several = query.get("bookings", query.get("booking", "")).split(",")
        match where.path.split("/")[2:]:
            case ["bookings"]:
                return self._say(200, BOOKINGS[: int(query["limit"])])
            case ["customers", one]:
                return self._say(200, {"id": int(one), "name": f"n{one}"})
            case ["customers"]:
                return self._say(200, [{"id": int(one), "name": f"n{one}"} for one in query["ids"].split(",")])
            case ["seats", "holds", one]:
                return self._say(200, {"booking_id": one, "seats": ["A-1"]})
            case _:
                return self._say(200, [{"booking_id": one, "seats": ["A-1"], "of": where.path} for one in several])

    def _say(self, status: int, found: Any) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def owners() -> Iterator[tuple[type[Owners], str]]:
    handler = type("Some", (Owners,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(url: str, how: str, limit: int = 10, **more: Any) -> tuple[list[dict[str, Any]], list[Span]]:
    async def asking() -> tuple[list[dict[str, Any]], list[Span]]:
        urls = dict.fromkeys((BOOKING, SEATS, PAYMENTS, TICKETS), url)
        async with httpx.AsyncClient() as http:
            call = Caller(http, urls, Question(performance="concert", limit=limit, **more))
            return await compose(call, how), call.spans

    return asyncio.run(asking())


@pytest.mark.parametrize("limit", [1, 10])
@pytest.mark.parametrize("how", HOW)
def test_each_way_has_the_same_rows_and_its_own_number_of_calls(
    owners: tuple[type[Owners], str], how: str, limit: int
) -> None:
    handler, url = owners
    rows, spans = ask(url, how, limit)
    calls = 5 if how == "batch" else 1 + 4 * limit
    assert len(spans) == len(handler.asked) == calls
    assert [row["booking"] for row in rows] == BOOKINGS[:limit]
    for row in rows:
        assert row["customer"]["id"] == row["booking"]["customer_id"]
        assert {row[part]["booking_id"] for part in ("hold", "payment", "tickets")} == {row["booking"]["id"]}
        assert row["missing"] == []


def test_one_by_one_waits_for_each_and_in_parallel_for_none(owners: tuple[type[Owners], str]) -> None:
    _, url = owners
    _, stairs = ask(url, "sequential", 3)
    assert all(later.began_ms >= one.began_ms + one.took_ms - 0.1 for one, later in pairwise(stairs))
    _, together = ask(url, "parallel", 3, network_ms=50)
    starts = sorted(span.began_ms for span in together[1:])
    assert starts[-1] - starts[0] < 50


@pytest.mark.parametrize("how", HOW)
def test_what_is_missing_is_said_in_each_row(owners: tuple[type[Owners], str], how: str) -> None:
    handler, url = owners
    handler.down = "/api/payments"
    rows, spans = ask(url, how, 3)
    assert [row["payment"] for row in rows] == [None, None, None]
    assert [row["missing"] for row in rows] == [[{"part": "payment", "why": "payments answers 503"}]] * 3
    assert all(row["tickets"] and row["customer"] for row in rows)
    assert {span.status for span in spans if span.service == PAYMENTS} == {503}


@pytest.mark.parametrize("how", HOW)
def test_or_there_is_no_answer_at_all(owners: tuple[type[Owners], str], how: str) -> None:
    handler, url = owners
    handler.down = "/api/payments"
    with pytest.raises(Incomplete, match="payments answers 503"):
        ask(url, how, 3, missing=FAIL)


@pytest.mark.parametrize("missing", ["say", "fail"])
def test_without_the_list_there_are_no_rows_to_say_anything_in(owners: tuple[type[Owners], str], missing: str) -> None:
    handler, url = owners
    handler.down = "/api/bookings"
    with pytest.raises(Incomplete, match="booking answers 503"):
        ask(url, "batch", missing=missing)


def test_who_does_not_answer_is_a_gap_too() -> None:
    with pytest.raises(Incomplete, match="booking does not answer: ConnectError"):
        ask("http://127.0.0.1:1", "batch")


@pytest.mark.parametrize("how", HOW)
def test_what_a_role_may_not_see_is_not_even_asked_for(owners: tuple[type[Owners], str], how: str) -> None:
    handler, url = owners
    rows, _ = ask(url, how, 3, viewer="door")
    assert not [path for path in handler.asked if "customers" in path]
    assert [row["missing"] for row in rows] == [
        [{"part": "customer", "why": "the customer is not for the role 'door'"}]
    ] * 3


def test_a_customer_sees_their_own_bookings_and_no_other(owners: tuple[type[Owners], str]) -> None:
    _, url = owners
    rows, _ = ask(url, "batch", viewer="customer", customer=1)
    assert [row["booking"]["id"] for row in rows] == ["b1", "b4", "b7"]
    nothing, spans = ask(url, "batch", viewer="customer", customer=77)
    assert (nothing, len(spans)) == ([], 1), "and nobody is asked about none"


@pytest.mark.parametrize("how", HOW)
def test_a_kept_connection_that_has_ended_is_no_missing_part(owners: tuple[type[Owners], str], how: str) -> None:
    handler, url = owners
    handler.cut = "/api/seats"
    rows, spans = ask(url, how)
    assert [row["missing"] for row in rows] == [[]] * 10
    assert {span.status for span in spans} == {200}
    assert len(spans) == (5 if how == "batch" else 41)
