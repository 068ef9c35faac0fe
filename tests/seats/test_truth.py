"""GET /api/seats/truth: everything as of one moment, line by line. The other services serve theirs by the same code."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.test import AsyncClient, Client

from seats.commands import handle
from seats.models import Seat
from serving import truth_api
from serving.problems import MEDIA_TYPE
from tests.seats.test_reserving import reserve

pytestmark = [
    pytest.mark.django_db(databases=["seats"], transaction=True),  # the stream has a connection of its own
    pytest.mark.urls("tests.seats.urls"),
    pytest.mark.usefixtures("performance", "redis"),
]


def told(query: str = "") -> list[dict[str, Any]]:
    return asyncio.run(_told(query))


async def _told(query: str) -> list[dict[str, Any]]:
    answer: Any = await AsyncClient().get(f"/api/seats/truth{query}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/x-ndjson")
    content = b"".join([chunk async for chunk in answer.streaming_content])
    return [json.loads(line) for line in content.splitlines()]


def test_all_rows_between_a_meta_line_and_an_end_line() -> None:
    envelope = reserve("A-1", "A-2")
    handle([envelope])
    meta, *rows, end = told()
    assert (meta["kind"], meta["service"], end) == ("meta", "seats", {"kind": "end", "rows": 401})
    assert int(meta["horizon"]) <= int(meta["xmax"])
    assert len(rows) == 401
    taken = [(row["label"], row["status"]) for row in rows if row["booking_id"] and row["kind"] == "seat"]
    assert sorted(taken) == [("A-1", "RESERVED"), ("A-2", "RESERVED")]
    (hold,) = [row for row in rows if row["kind"] == "hold"]
    assert (hold["booking_id"], hold["status"], hold["amount"]) == (envelope["correlationid"], "HELD", 300_000)


def test_filters() -> None:
    first, second = reserve("A-1"), reserve("A-2")
    handle([first, second])
    rows = told(f"?booking={first['correlationid']}")[1:-1]
    assert {row["booking_id"] for row in rows} == {first["correlationid"]}
    assert sorted(row["kind"] for row in rows) == ["hold", "seat"]
    assert len(told(f"?booking={first['correlationid']}&booking={second['correlationid']}&kind=hold")) == 4
    assert told(f"?booking={uuid4()}")[1:] == [{"kind": "end", "rows": 0}]


def test_seats_by_their_names_whoever_has_them_and_nothing_else() -> None:
    first = reserve("A-1")
    handle([first])
    names = "name=concert/A-1&name=concert/A-3&name=concert/Z-99"
    found = [(row["kind"], row["label"], row["booking_id"]) for row in told(f"?{names}")[1:-1]]
    assert sorted(found, key=str) == [("seat", "A-1", first["correlationid"]), ("seat", "A-3", None)]
    about = told(f"?booking={first['correlationid']}&name=concert/A-3")[1:-1]
    assert sorted((row["kind"], row.get("label")) for row in about) == [
        ("hold", None),
        ("seat", "A-1"),
        ("seat", "A-3"),
    ]


def test_what_commits_while_it_is_being_read_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth_api, "CHUNK", 10)

    async def read() -> list[dict[str, Any]]:
        answer: Any = await AsyncClient().get("/api/seats/truth?kind=seat")
        chunks = aiter(answer.streaming_content)
        content = await anext(chunks) + await anext(chunks)
        await asyncio.to_thread(_reprice)
        return [json.loads(line) for line in (content + b"".join([chunk async for chunk in chunks])).splitlines()]

    rows = asyncio.run(read())[1:-1]
    assert len(rows) == 400
    assert 7 not in {row["price"] for row in rows}


def _reprice() -> None:
    try:
        Seat.objects.update(price=7)
    finally:
        connections["seats"].close()


@pytest.mark.parametrize("query", ["?kind=payment", "?booking=1", "?booking=", "?kind=seat&kind=", "?name="])
def test_a_filter_that_makes_no_sense_is_a_problem(client: Client, query: str) -> None:
    answer = client.get(f"/api/seats/truth{query}")
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
