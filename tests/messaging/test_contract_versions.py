"""Contracts may grow: what a newer sender says, read by an older reader, for commands, replies and events; and the reverse."""

import json
from typing import Any

import pytest
from django.test import Client

from booking.commands import handle as handle_in_booking
from booking.models import DeadLetter as BookingLetter
from booking.models import PerformanceReplica, Saga
from booking.orchestrator.inbound import validate as validate_in_booking
from booking.replica import replica
from messaging.database import Database
from messaging.envelope import NewerContractError, contract_version, dataschema, from_row
from messaging.inbox.dead_letters import LIMIT, message_of
from messaging.inbox.letter_retries import send_due
from messaging.message import Body
from payments.commands import handle
from payments.models import DeadLetter, Outbox, Payment
from projections.database import PROJECTIONS
from projections.views import VIEWS
from seats.contract import PerformanceAnnounced
from tests.booking.conftest import shop  # noqa: F401
from tests.booking.world import commands, place, reply, up_to
from tests.messages import new_id
from tests.payments.test_dead_letters import OPERATOR_ACTION, TOKEN, take
from tests.payments.test_letters_again import later

pytestmark = [
    pytest.mark.django_db(databases=["payments", "booking"], transaction=True),
    pytest.mark.urls("tests.payments.urls"),
    pytest.mark.usefixtures("redis"),
]
NORTH = {"gate": "north"}


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.OPERATOR_TOKEN, settings.LETTER_RETRY_S, settings.LETTER_LONGEST_RETRY_S = "of-a-test", 10, 300


def paying(version: str | None = None, **more: Any) -> dict[str, Any]:
    envelope = take(**more)
    return envelope if version is None else {**envelope, "dataschema": dataschema("booking", "TakePayment", version)}


def last() -> dict[str, Any]:
    """What the relay would deliver next."""
    row = Outbox.objects.filter(destination="payments").order_by("-seq")[0]
    return from_row("payments", vars(row))


@pytest.mark.parametrize(
    ("text", "version"),
    [(None, (1, 0)), ("booking/IssueTickets/1", (1, 0)), ("booking/IssueTickets/1.0", (1, 0)),
     ("booking/IssueTickets/1.12", (1, 12)), ("booking/IssueTickets/2", (2, 0)), ("3.4", (3, 4))],
)  # fmt: skip
def test_a_version_is_major_and_minor(text: str | None, version: tuple[int, int]) -> None:
    assert contract_version(text) == version


@pytest.mark.parametrize(
    "text", ["", "booking/IssueTickets/", "x/y/one", "x/y/1.", "x/y/1.2.3", "x/y/-1", "x/y/٣", 1, {}, "x/y/9999999"]
)
def test_what_is_no_version_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        contract_version(text)


# Commands


@pytest.mark.parametrize("version", [None, "1", "1.0"])
def test_of_the_readers_own_version_a_field_too_many_is_an_error(version: str | None) -> None:
    handle([paying(version, **NORTH)])
    (letter,) = DeadLetter.objects.all()
    assert "gate" in letter.attempts[0]["error"]


def test_a_newer_minor_version_is_read_without_what_only_it_knows() -> None:
    handle([paying("1.3", **NORTH), paying("1"), paying("1.1")])
    assert Payment.objects.filter(status="COMPLETED").count() == 3
    assert not DeadLetter.objects.exists()


def test_what_it_knows_is_kept_in_what_is_stored_and_sent_again(client: Client) -> None:
    envelope = paying("1.3", **NORTH, amount=-1)
    handle([envelope])
    letter = DeadLetter.objects.get()
    assert (letter.envelope["data"]["gate"], letter.envelope["dataschema"]) == ("north", "booking/TakePayment/1.3")
    later(11)
    send_due(Database("payments"), "payments", DeadLetter, Outbox)
    again = last()
    assert (again["data"]["gate"], again["data"]["amount"]) == ("north", -1)
    assert contract_version(again["dataschema"]) == (1, 3)
    url = f"/api/payments/dead-letters/{envelope['id']}/edit-and-retry"
    body = {**OPERATOR_ACTION, "data": {**envelope["data"], "amount": 5}}
    assert client.post(url, json.dumps(body), content_type="application/json", headers=TOKEN).status_code == 200
    assert last()["data"]["gate"] == "north"
    handle([last()])
    assert (Payment.objects.get().amount, DeadLetter.objects.get().state) == (5, "cleared")


def test_a_newer_major_version_waits_and_is_tried_when_a_worker_starts() -> None:
    envelope = paying("2", **NORTH)
    handle([envelope])
    for _ in range(LIMIT + 2):
        later(301)
        assert send_due(Database("payments"), "payments", DeadLetter, Outbox) == 1
        handle([last()])
    letter = DeadLetter.objects.get()
    assert (letter.state, len(letter.attempts)) == ("retrying", 1)
    assert "waits for a newer version: TakePayment 2.0" in letter.attempts[0]["error"]
    assert letter.envelope["data"] == envelope["data"]
    later(100)
    assert send_due(Database("payments"), "payments", DeadLetter, Outbox) == 0
    assert send_due(Database("payments"), "payments", DeadLetter, Outbox, started=True) == 1
    assert (last()["dataschema"], last()["data"]) == ("payments/TakePayment/2", envelope["data"])
    assert not Payment.objects.exists()


def test_the_watchdogs_old_form_is_taken_meanwhile_and_clears_the_letter() -> None:
    newer = paying("2", **NORTH)
    handle([newer, paying()])
    assert Payment.objects.count() == 1  # the other one in the batch
    old = {**newer, "id": new_id(), "dataschema": "booking/TakePayment/1"}
    old["data"] = {name: value for name, value in newer["data"].items() if name != "gate"}
    handle([old])
    assert Payment.objects.count() == 2
    assert DeadLetter.objects.get().state == "cleared"


def test_an_older_major_version_is_no_reason_to_wait() -> None:
    for _ in range(LIMIT):
        handle([paying("0.9") | {"id": "0198c0de-0000-7000-8000-000000000009"}])
    assert DeadLetter.objects.get().state == "dead"


def test_a_reader_of_a_newer_version_takes_an_older_senders_message() -> None:
    class Grown(Body):
        schema_version = "1.2"
        name: str
        gate: str = "south"

    def said(version: str, **data: Any) -> Grown:
        return Grown.read({"dataschema": f"x/Grown/{version}", "data": {"name": "a", **data}})

    assert [said("1").gate, said("1.2", **NORTH).gate, said("1.3", aisle=7).gate] == ["south", "north", "south"]
    with pytest.raises(ValueError, match="aisle"):
        said("1.2", aisle=7)
    with pytest.raises(NewerContractError):
        said("2.0")


# Replies


@pytest.mark.usefixtures("shop")
def test_a_reply_of_a_newer_minor_version_is_taken_and_of_a_newer_major_one_waits() -> None:
    first, second = place(2)
    handle_in_booking([*up_to("TakePayment", first), *up_to("TakePayment", second)])
    more = {"dataschema": "payments/TakePaymentReply/1.4"}
    minor = reply(first, "TakePayment") | more
    minor["data"] = minor["data"] | NORTH
    major = reply(second, "TakePayment") | {"dataschema": "payments/TakePaymentReply/2"}
    handle_in_booking([minor, major])
    assert commands(first)[-1] == "IssueTickets"
    assert commands(second)[-1] == "TakePayment"
    letter = BookingLetter.objects.get()
    assert (str(letter.id), letter.state) == (major["id"], "retrying")
    assert message_of("booking", str(letter.id), letter.envelope).schema == "2"
    with pytest.raises(NewerContractError):
        validate_in_booking(major)
    handle_in_booking([reply(second, "TakePayment") | {"id": new_id()}])  # the watchdog had it asked again
    assert commands(second)[-1] == "IssueTickets"
    assert BookingLetter.objects.get().state == "cleared"
    assert set(Saga.objects.values_list("step", flat=True)) == {"IssueTickets"}


# Events

ANNOUNCED: dict[str, Any] = {
    "id": "concert-2031", "title": "Concert", "venue": "Hall", "starts_at": "2031-01-01T20:00:00Z", "currency": "KRW",
    "seats": [{"id": 1, "label": "A-1", "section": "Floor", "row": "A", "number": 1, "price": 5, "currency": "KRW",
               "status": "AVAILABLE", "booking_id": None, "version": 1}],
}  # fmt: skip


def announced(version: str, **more: Any) -> dict[str, Any]:
    seats = [{**ANNOUNCED["seats"][0], **more}]
    schema = dataschema("seats", "PerformanceAnnounced", version)
    data = {**ANNOUNCED, **more, "seats": seats}
    return {"id": new_id(), "source": "/seats", "type": PerformanceAnnounced.type(), "kind": "event", "version": 1,
            "time": "2030-01-01T00:00:00Z", "dataschema": schema, "data": data}  # fmt: skip


def test_an_event_of_a_newer_minor_version_is_replicated() -> None:
    replica().apply([announced("1.1", **NORTH)], [], {})
    assert PerformanceReplica.objects.get(id="concert-2031").labels == ["A-1"]


@pytest.mark.parametrize("view", ["seat_map", "sales"])
def test_a_view_reads_it_too_and_refuses_a_newer_major_one(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []

    def write(table: Any, db: Any, rows: Any, **more: Any) -> int:
        written.extend(rows)
        return len(rows)

    monkeypatch.setattr("messaging.events.upsert.Table.write", write)
    VIEWS[view].write(PROJECTIONS, [announced("1.7", **NORTH)])
    assert written
    assert not any("gate" in row for row in written)
    with pytest.raises(NewerContractError, match=r"PerformanceAnnounced 2\.0"):
        VIEWS[view].write(PROJECTIONS, [announced("2")])
    with pytest.raises(NewerContractError):
        replica().apply([announced("2")], [], {})


def test_what_a_newer_sender_writes_says_its_version() -> None:
    row: dict[str, Any] = dict.fromkeys(["subject", "correlation_id", "saga_id", "step", "action", "causation_id",
                                         "version", "destination", "horizon"])  # fmt: skip
    row |= {"id": new_id(), "type": "SkipStep", "time": "2030", "data": {}, "kind": "command", "xid": 1}
    assert from_row("booking", row)["dataschema"] == "booking/SkipStep/1"  # as an older version wrote it
    assert from_row("booking", {**row, "schema": "1.1"})["dataschema"] == "booking/SkipStep/1.1"
