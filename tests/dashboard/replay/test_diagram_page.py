"""The page /replay/diagram, over a journal's rows in a real database: filters, search, stretches, and what it refuses."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.replay.diagram.asking import MOST, PICTURE
from journal.archive.importing import import_run
from journal.models import Entry, Mention
from tests.dashboard.markup import compact
from tests.journal.archive.samples import sample, text_of
from tests.journal.archive.world import wipe as wipe_runs
from tests.journal.builders import START
from tests.journal.index.test_indexer import change, index

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
TURN = ("booking", "seats", "booking", "payments", "projections")
LENGTH = 640
PAYMENT = "00000000-0000-7000-8000-00000000abcd"


def message(pos: int) -> str:
    """A UUIDv7 of the time the entry committed."""
    at = int((START + timedelta(seconds=pos)).timestamp() * 1000)
    return str(uuid.UUID(int=(at << 80) | (7 << 76) | (2 << 62) | pos))


def booking(number: int) -> str:
    return str(uuid.UUID(int=(0xB0000000 + number) << 96 | number))


@pytest.fixture
def tape() -> Iterator[None]:
    """LENGTH entries, five to a booking's turn, each caused by the one before it of the same booking; a fault at 12."""
    wipe_runs()
    Entry.objects.bulk_create([entry(pos) for pos in range(1, LENGTH + 1)])
    Mention.objects.bulk_create([Mention(correlation=of(pos), pos=pos) for pos in range(1, LENGTH + 1)])
    index()
    yield
    wipe_runs()


def of(pos: int) -> str:
    return booking((pos - 1) // 5 % 40)


def entry(pos: int) -> Entry:
    before = pos - 1 if (pos - 1) % 5 else pos - 196
    service, fault = TURN[(pos - 1) % 5], pos == 12
    row = {"id": message(pos), "kind": "command", "type": f"Do{pos}", "correlation_id": of(pos), "destination": "x"}
    changes = [change(f"{service}_outbox", None, row)]
    if pos == 9:
        changes.append(change("payments_payment", None, {"id": PAYMENT, "booking_id": of(pos), "status": "COMPLETED"}))
    return Entry(
        pos=pos, kind="observation" if fault else "transaction", service=service, xid=None if fault else 700 + pos,
        lsn="" if fault else f"0/{pos * 256:X}", committed_at=START + timedelta(seconds=pos), recorded_at=START,
        title=f"<entry {pos}>", causes=[message(before)] if before > 0 else [], cause_pos=[before] if before > 0 else [],
        cause_known=True, emits=[] if fault else [message(pos)], changes=[] if fault else changes,
        data={"kind": "fault"} if fault else None,
    )  # fmt: skip


def get(query: str = "", **headers: Any) -> Any:
    return Client().get(f"/replay/diagram?{query}", **headers)


def shown(query: str) -> list[int]:
    answer = get(query)
    assert answer.status_code == 200, answer.content.decode()
    return sorted(map(int, re.findall(r'class="node" id="n-(\d+)"', answer.content.decode())))


def test_a_stretch_and_its_neighbours(tape: None) -> None:
    assert shown("") == list(range(LENGTH - PICTURE + 1, LENGTH + 1))
    assert shown("from=10&to=20") == list(range(10, 21))
    assert shown("from=10") == list(range(10, 10 + PICTURE))
    assert shown("to=30") == list(range(1, 31))
    page = get("from=601&to=620").content.decode()
    assert 'href="/replay/diagram?to=600"' in page
    assert 'href="/replay/diagram?from=621"' in page
    assert "&lt;entry 601&gt;" in page
    assert "#405 Views, before this stretch" in page
    assert f'href="/?booking={of(605)}&amp;pos=605"' in page
    with CaptureQueriesContext(connections["journal"]) as told:
        assert shown("from=1&to=99999&zoom=dots") == list(range(1, MOST + 1))
    queries = [one["sql"] for one in told.captured_queries]
    assert len(queries) <= 12
    assert not [sql for sql in queries if "changes" in sql]


def test_filters(tape: None) -> None:
    mine = [pos for pos in range(1, LENGTH + 1) if of(pos) == booking(3)]
    assert shown(f"booking={booking(3)}") == mine
    payments = [pos for pos in mine if TURN[(pos - 1) % 5] == "payments"]
    assert shown(f"booking={booking(3)}&service=payments") == payments
    page = get(f"booking={booking(3)}&service=payments").content.decode()
    assert len(re.findall(r'class="edge"[^>]*data-kind="hidden"', page)) == len(payments) - 1 > 1
    assert shown("kind=fault") == [12]
    assert shown("kind=observation") == []
    assert "No entry from #13 to #640 fits." in get("kind=fault&from=13").content.decode()
    assert "; the newest is #640" in compact(get("from=641").content.decode())
    assert shown("kind=transaction&from=11&to=13") == [11, 13]


def test_search_finds_and_centres(tape: None) -> None:
    for text, pos, what in [
        ("#77", 77, "entry #77"),
        (booking(7), 36, f"booking {booking(7)}"),
        (booking(7)[:9], 36, f"booking {booking(7)}"),
        (booking(7)[-8:], 36, f"booking {booking(7)}"),
        (message(534), 534, f"message {message(534)}"),
        (PAYMENT[:30], 9, f"payments_payment {PAYMENT}, as last written"),
        (f"0/{611 * 256:x}", 611, "booking, LSN 0/26300"),
        (str(700 + 599), 599, "payments, xid 1299"),
    ]:
        page = get(f"q={text.replace('#', '%23')}").content.decode()
        assert f"Found <b>{what}</b> at #{pos}" in page
        assert re.findall(r'class="node" id="(n-\d+)"[^>]*aria-current="true"', page) == [f"n-{pos}"]
    assert "which the filter hides" in compact(get("q=%2377&service=payments&from=60&to=90").content.decode())
    page = compact(
        get("q=%23630&from=1&to=640").content.decode()
    )  # farther on than one picture goes, and hidden by nothing
    assert "which the filter hides" not in page
    assert 'id="n-630"' in page
    page = get("q=zebra").content.decode()
    assert "“zebra” is not in the live journal" in page
    assert "a transaction&#x27;s xid, an LSN" in page


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("from=9&to=3", 400, "From: 9 is after 3"),
        ("from=x", 400, "From: give a position in the journal, a number like 42"),
        ("to=-1", 400, "To: give a position"),
        ("from=9999999999999999999999", 400, "From: give a position"),
        (
            "service=bank",
            400,
            "there is no &#x27;bank&#x27;; there are booking, seats, payments, tickets, projections, control",
        ),
        ("kind=boom", 400, "there are transaction, observation, fault"),
        ("zoom=9", 400, "there are dots, letters, titles"),
        ("booking=xyz", 400, "Booking: give its whole id"),
        ("run=7", 400, "Run: give a run&#x27;s id"),
        (f"run={uuid.UUID(int=9)}", 404, f"there is no run {uuid.UUID(int=9)} here; /replay lists the runs"),
    ],
)
def test_what_cannot_be_is_said_on_a_whole_page(query: str, status: int, said: str) -> None:
    answer = get(query)
    page = answer.content.decode()
    assert answer.status_code == status
    assert said in page
    assert '<form class="filters' in page
    assert 'class="node"' not in page  # and no picture of anything else


def test_htmx_gets_the_part_and_pushes_an_address_without_what_is_empty() -> None:
    answer = get("q=&run=&from=5&to=9&service=&booking=&kind=", HTTP_HX_REQUEST="true")
    assert answer["HX-Push-Url"] == "/replay/diagram?from=5&to=9"
    assert answer.content.decode().lstrip().startswith('<div id="diagram"')


def test_an_imported_run_and_where_its_entries_lead() -> None:
    wipe_runs()
    run = import_run([text_of(sample())])
    page = get(f"run={run}").content.decode()
    assert re.findall(r'id="(n-\d)" href="([^"]*)"', page) == [(f"n-{n}", f"/replay/{run}?pos={n}") for n in (1, 2, 3)]
    assert f'href="/replay/diagram?run={run}"' in Client().get(f"/replay/{run}").content.decode()
    wipe_runs()
