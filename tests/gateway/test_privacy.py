"""One function masks what is not the viewer's, wherever in a document it stands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gateway.people import privacy
from gateway.people.privacy import HIDDEN, STRANGER, Viewer, masked, seen_by
from journal.reading.moments import RowThen

MINE, THEIRS = "0192f000-0000-7000-8000-00000000000a", "0192f000-0000-7000-8000-00000000000b"
NAME, EMAIL, CODE, PAYMENT = "Anastasia", "ana@example.com", "q8Zr-tY2", "0192f000-0000-7000-8000-0000000000ff"
ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("dashboard", "drawing", "gateway")


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(privacy, "_placed", lambda booking, visitor: (booking, visitor) == (MINE, "me"))
    with seen_by(Viewer(operator=False, visitor="me")):
        yield


def documents(booking: str) -> list[Any]:
    """What pages and GETs are made of, each about this booking and with a secret in it."""
    payment = {"id": PAYMENT, "booking_id": booking, "status": "COMPLETED", "version": 1}
    tickets = [{"id": "t-1", "seat": "A-1", "code": CODE}]
    outbox = {"type": "PaymentCompleted", "subject": PAYMENT, "correlation_id": booking, "data": payment}
    return [
        {"id": UUID(booking), "customer_id": 1, "performance_id": "p", "seats": ["A-1"], "customer": NAME, "tickets": tickets},
        {"table": "payments_payment", "op": "insert", "key": PAYMENT, "old": None, "new": payment},
        RowThen("payments", "payments_payment", PAYMENT, 7, payment),
        RowThen("tickets", "tickets_ticket", "t-1", 7, {"issuance_id": booking, "code": CODE, "seat": "A-1"}),
        {"pos": 7, "title": f"paid by {PAYMENT}", "correlations": [booking],
         "changes": [{"table": "payments_outbox", "key": "1", "old": None, "new": outbox},
                     {"table": "payments_barrier", "key": "2", "old": None, "new": {"reply": {"payment_id": PAYMENT}}},
                     {"table": "payments_refund", "key": "r-1", "old": None, "new": {"id": "r-1", "payment_id": PAYMENT}}]},
        {"booking_id": booking, "context": {"payment_id": PAYMENT}, "note": f"of {PAYMENT}, code {CODE}", "code": CODE},
    ]  # fmt: skip


CUSTOMERS = [
    {"table": "booking_customer", "key": "1", "old": {"name": NAME}, "new": {"id": 1, "name": "x", "email": EMAIL}},
    {"table": "projections_customer", "key": "1", "old": None, "new": {"id": 1, "name": NAME}},
    {"table": "booking_outbox", "new": {"type": "CustomerRenamed", "data": {"id": 1, "name": NAME, "email": EMAIL}}},
    {"table": "booking_outbox", "text": f"{NAME} at {EMAIL}", "new": {"data": {"name": NAME, "email": EMAIL}}},
]  # fmt: skip
SECRETS = (NAME, EMAIL, CODE, PAYMENT)


def secrets_in(document: Any) -> list[str]:
    return [secret for secret in SECRETS if secret in str(document)]


@pytest.mark.parametrize("number", range(6))
def test_of_somebody_elses_booking_the_secrets_are_masked(owner: None, number: int) -> None:
    document = documents(THEIRS)[number]
    assert secrets_in(document), "the control: they are there"
    assert secrets_in(masked(document)) == []
    assert HIDDEN in str(masked(document))


@pytest.mark.parametrize("number", range(6))
def test_ones_own_is_as_it_is(owner: None, number: int) -> None:
    document = documents(MINE)[number]
    assert masked(document) == document


def test_side_by_side_each_is_its_owners(owner: None) -> None:
    """A customer's name is secret in one row, and not in the next."""
    mine, theirs = masked([documents(MINE)[0], documents(THEIRS)[0]])
    assert (mine["customer"], theirs["customer"]) == (NAME, HIDDEN)


def test_an_entry_of_two_bookings_shows_what_is_mine(owner: None) -> None:
    changes = [documents(MINE)[1], {**documents(THEIRS)[1], "new": {**documents(THEIRS)[1]["new"], "id": "p-2"}}]
    shown = masked({"correlations": [MINE, THEIRS], "changes": changes})["changes"]
    assert (shown[0]["new"]["id"], shown[1]["new"]["id"]) == (PAYMENT, f"{HIDDEN}p-2")


@pytest.mark.parametrize("document", CUSTOMERS)
def test_names_and_addresses_are_the_operators(owner: None, document: dict[str, Any]) -> None:
    assert secrets_in(document)
    assert secrets_in(masked(document)) == []
    assert secrets_in(masked([document], booking=THEIRS)) == []


def test_what_is_no_secret_stays(owner: None) -> None:
    seat = {"table": "seats_seat", "key": "A-1", "new": {"label": "A-1", "status": "SOLD", "booking_id": THEIRS}}
    assert masked(seat) == seat
    saga = {"name": "BookTickets", "customer": 123, "steps": [{"name": "TakePayment"}]}
    assert masked(saga) == saga


def test_an_operator_and_a_program_see_everything() -> None:
    for document in documents(THEIRS):
        assert masked(document) is document
        with seen_by(Viewer(operator=True)):
            assert masked(document) is document
        with seen_by(STRANGER):
            assert secrets_in(masked(document)) == []


def test_pages_read_rows_through_the_mask_alone() -> None:
    """Whoever shows rows to a person imports them from `reading`."""
    rows = r"(?:queries|journal|views)\.(?:entries_\w+|latest|booking|bookings_of|ticket|customers)\("
    direct = re.compile(rf"\b(?:{rows}|moments\.rows_at\()")
    inside = {
        ROOT / "gateway/people/masked_reading.py",
        ROOT / "dashboard/live/tail.py",  # frames.py masks the rows before it draws them
    }
    modules = {path for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert inside < modules
    found = [str(path) for path in modules - inside if direct.search(path.read_text())]
    assert found == []
