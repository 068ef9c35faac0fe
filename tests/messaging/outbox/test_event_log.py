"""Catch-up must not miss a transaction that took a low number and committed late."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connections

from messaging.database import Database
from messaging.outbox import event_log
from messaging.outbox.append import Message
from payments.models import Outbox

pytestmark = pytest.mark.django_db(databases=["payments"], transaction=True)
DB = Database("payments")


def publish(*names: str, kind: str = "event") -> None:
    with DB.atomic():
        DB.append(Outbox, [Message(kind=kind, type=name, data={}) for name in names])


def start() -> int:
    """Where the log ends now: a reader that has seen everything before this test."""
    return int(event_log.page(DB, Outbox, 0)["horizon"])


def types(page: dict[str, Any]) -> list[str]:
    return [event["type"] for event in page["events"]]


@contextmanager
def slow_transaction(name: str) -> Iterator[None]:
    """An event written on another connection before the block, and committed after it."""
    parameters = connections["payments"].get_connection_params()
    keys = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{key: parameters[key] for key in keys}) as connection:
        connection.execute(
            "insert into payments_outbox (kind, type, destination, subject, correlation_id, step, action, data)"
            " values ('event', %s, '', '', '', '', '', '{}')",
            [name],
        )
        yield


def test_a_slow_commit_is_not_skipped() -> None:
    after = start()
    with slow_transaction("Slow"):
        publish("Quick")
        while_open = event_log.page(DB, Outbox, after)
    assert types(while_open) == []  # Quick waits, for what stands before it is not known yet
    assert types(event_log.page(DB, Outbox, int(while_open["horizon"]))) == ["Slow", "Quick"]


def test_control_paging_by_number_misses_the_slow_commit_for_ever() -> None:
    publish("Before")
    last = Outbox.objects.latest("seq").seq
    with slow_transaction("Slow"):
        publish("Quick")
        seen = list(Outbox.objects.filter(seq__gt=last).order_by("seq"))
        last = seen[-1].seq
    assert [row.type for row in seen] == ["Quick"]
    assert not Outbox.objects.filter(seq__gt=last).exists()


def test_only_events_are_in_the_log() -> None:
    after = start()
    publish("ChargeReply", kind="reply")
    publish("Charged")
    assert types(event_log.page(DB, Outbox, after)) == ["Charged"]


def test_pages_hold_whole_transactions() -> None:
    after = start()
    publish("A1", "A2")
    publish("B1", "B2")
    publish("C1")
    pages = []
    more = True
    while more:
        page = event_log.page(DB, Outbox, after, limit=3)
        after, more = int(page["horizon"]), page["more"]
        pages.append(types(page))
    assert pages == [["A1", "A2"], ["B1", "B2", "C1"]]


def test_a_transaction_larger_than_a_page_comes_whole() -> None:
    after = start()
    publish(*[f"A{number}" for number in range(10)])
    publish("B")
    first = event_log.page(DB, Outbox, after, limit=3)
    assert (len(first["events"]), first["more"]) == (10, True)
    assert types(event_log.page(DB, Outbox, int(first["horizon"]), limit=3)) == ["B"]


def test_a_reader_that_reached_xmax_has_seen_everything_committed() -> None:
    publish("A")
    page = event_log.page(DB, Outbox, 0)
    assert int(page["horizon"]) == int(page["xmax"])
    with slow_transaction("Slow"):
        publish("Quick")
        page = event_log.page(DB, Outbox, 0)
        assert int(page["horizon"]) < int(page["xmax"])


def test_the_log_can_be_read_up_to_a_transaction() -> None:
    after = start()
    publish("A")
    publish("B")
    to = Outbox.objects.get(type="B").xid
    page = event_log.page(DB, Outbox, after, to=to)
    assert (types(page), page["more"], int(page["horizon"])) == (["A"], False, to)


def test_nothing_new_is_an_empty_page() -> None:
    page = event_log.page(DB, Outbox, start())
    assert (page["events"], page["more"]) == ([], False)


def test_an_event_is_an_envelope() -> None:
    after = start()
    publish("Charged")
    (event,) = event_log.page(DB, Outbox, after)["events"]
    row = Outbox.objects.get(type="Charged")
    assert event == {
        "specversion": "1.0",
        "id": str(row.id),
        "source": "/payments",
        "type": "Charged",
        "subject": "",
        "time": row.time.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": "payments/Charged/1",
        "data": {},
        "kind": "event",
        "xid": str(row.xid),
        "horizon": str(row.horizon),
    }
