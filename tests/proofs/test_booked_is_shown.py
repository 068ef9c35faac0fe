"""Whatever can be booked and cancelled, every page and every GET can show: at each stand of its saga, with its journal.

In one process: the services' own APIs and handlers, the views' projectors, Booking's replica, the recorder, and the front door,
which asks the services as it does in a sandbox.
"""

import json
import os
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.apps import apps
from django.db import connections
from django.test import Client, RequestFactory
from django.urls import Resolver404, resolve
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from redis import Redis

from booking.api import front
from booking.customers.register import NewCustomer, register
from booking.models import Booking, Saga
from booking.replica import replica
from gateway import clients
from journal.index.indexer import Indexer
from journal.reading.queries import entries_of
from messaging.database import Database
from messaging.envelope import from_row
from tests.house import SERVICES, House
from tests.projections.test_views import project
from tests.proofs.models.tape import Tape
from tests.proofs.test_accepted_is_shown import TOKEN, api
from tickets.models import Ticket

ALIASES = (*SERVICES, "projections")
EXAMPLES = int(os.environ.get("PROOFS_EXAMPLES", "30"))
LARGEST = 2**63 - 1

TITLES = ["Concert", "حفلة 2030", "<b>", "李\U0002ebf0", "{{ 7|add:1 }}", "%s", "e\u0301" * 40]
LABELS = st.sampled_from(
    ["A-1", "A-2", "A-3", "A-1", "A-2", "A-3", "A-4", "~", "<b>", "%s", "{{x}}", "A" * 20, "A" * 21, "é"]
)
SEEN = st.none() | st.fixed_dictionaries(
    {
        "amount": st.sampled_from([0, 1, 150_000, 2 * 150_000, 10**12, 2**53 - 1, -1]),
        "currency": st.sampled_from(["KRW", "XXX", "x"]),
    }
)
KEYS = (
    st.uuids().map(str)
    | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)
    | st.sampled_from(["<script>", "%00", "../..", "{{7}}", "same", "a key"])
)
METHODS = st.sampled_from(
    ["tok_visa"] * 4 + ["tok_declined", "tok_insufficient_funds", "tok_nonsense", "_" * 40, "TOK"]
)
ANY = st.fixed_dictionaries(
    {
        "seats": st.lists(LABELS, min_size=1, max_size=3, unique=True) | st.lists(LABELS, max_size=9),
        "customer": st.sampled_from([1, 123, LARGEST, 123, 77, 0]),
        "payment_method": METHODS,
        "seen": SEEN,
    }
)
RIGHT = st.fixed_dictionaries(
    {
        "seats": st.lists(st.sampled_from(["A-1", "A-2", "A-3"]), min_size=1, unique=True),
        "customer": st.sampled_from([1, 123, LARGEST]),
        "payment_method": st.sampled_from(["tok_visa", "tok_visa", "tok_declined", "tok_insufficient_funds"]),
    }
)
BODIES = RIGHT | RIGHT | RIGHT | ANY
HALLS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(TITLES),
        "currency": st.sampled_from(["KRW", "KRW", "JPY", "KWD", "XXX"]),
        "price": st.sampled_from([0, 1, 150_000, 150_000, 10**12]),
    }
)
STOPS = st.sampled_from(
    ["", "ReserveSeatsReply", "TakePayment", "IssueTicketsReply", "ConfirmSeats", "VoidTickets", "RefundPayment"]
)


class Sandbox:
    """The programs of a sandbox as one would find them, carried on by hand."""

    def __init__(self, tape: Tape) -> None:
        self.house, self._tape = House(), tape
        self._told = dict.fromkeys(SERVICES, 0)

    def settle(self) -> None:
        """The views, the replica and the journal have what there is."""
        for service in SERVICES:
            rows = apps.get_model(service, "Outbox").objects.filter(seq__gt=self._told[service]).order_by("seq")
            events = [from_row(service, vars(row)) for row in rows if row.kind == "event"]
            self._told[service] = max([self._told[service], *(row.seq for row in rows)])
            project(events)
            if service == "seats":
                replica().apply(events, [], {})
        self._tape.read()
        indexer = Indexer()
        while indexer.step():
            pass


class InProcess:
    """What the front door's HTTP client asks of a service, the service's own API answers."""

    def request(self, method: str, url: str, **asked: Any) -> httpx.Response:
        parts = urlsplit(url)
        service = str(parts.hostname)
        if service not in SERVICES:
            raise httpx.ConnectError(f"{service} is not part of this test")
        body = json.dumps(asked["json"]) if "json" in asked else asked.get("content", b"")
        query = {"query_params": asked["params"]} if asked.get("params") else {}
        headers = {"Authorization": TOKEN["Authorization"], **(asked.get("headers") or {})}
        kind = headers.pop("Content-Type", "application/json")
        request = RequestFactory().generic(method, parts.path, body, kind, headers=headers, **query)
        try:
            found = resolve(parts.path, urlconf=f"tests.{service}.urls")
        except Resolver404:
            return httpx.Response(404, request=httpx.Request(method, url))
        answer = found.func(request, *found.args, **found.kwargs)
        assert answer.status_code < 500 or answer.status_code == 503, (url, answer.content)
        return httpx.Response(
            answer.status_code, headers=dict(answer.items()), content=answer.content, request=httpx.Request(method, url)
        )


@pytest.fixture
def sandbox(redis: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    settings.OPERATOR_TOKEN = "of-a-test"
    settings.API_URLS = {service: f"http://{service}" for service in settings.API_URLS}
    monkeypatch.setattr(clients, "client", InProcess)
    register(Database("booking"), [NewCustomer(1, "One", "a@example.com"), NewCustomer(123, "李 <b>", "b@example.com")])
    register(Database("booking"), [NewCustomer(LARGEST, "{{ 7 }}", "c@example.com")])
    with Tape(redis, ALIASES) as tape:
        yield Sandbox(tape)
    front.thread.submit(connections.close_all).result()


def shown(*paths: str) -> None:
    """Every path answers, and with nothing that is our fault (503: the control process is away here)."""
    client = Client(HTTP_HOST="localhost", raise_request_exception=False, headers=TOKEN)
    for path in paths:
        answer = client.get(path)
        assert answer.status_code < 400 or answer.status_code in (404, 503), (path, answer.status_code)


def look(booking: str, customer: int, performance: str) -> None:
    """At all that has anything to do with this booking."""
    own = [
        f"/bookings/{booking}",
        f"/bookings/{booking}/panel",
        f"/api/bookings/{booking}",
        f"/api/bookings/{booking}/saga",
    ]
    positions = [entry["pos"] for entry in entries_of(booking)]
    assert positions, "the journal has nothing of it"
    then = [f"/bookings/{booking}/entries/{pos}" for pos in positions[:: max(1, len(positions) // 4)]]
    past = [f"/bookings/{booking}/panel?pos={pos}&performance={performance}" for pos in {positions[0], positions[-1]}]
    lists = [
        "/bookings",
        f"/bookings?customer={customer}",
        f"/bookings?q={booking}",
        "/bookings/recent",
        "/bookings/newest/panel",
    ]
    pages = [
        "/",
        f"/?booking={booking}",
        f"/?performance={performance}&customer={customer}",
        f"/?booking={booking}&pos={positions[-1]}",
    ]
    others = [
        "/operate",
        "/operate/work",
        "/matrix",
        "/matrix/grid",
        "/sales",
        f"/customers/{customer}",
        "/customers",
        "/replay",
    ]
    tickets = [
        f"/tickets/{code}"
        for code in Ticket.objects.filter(issuance__booking_id=booking).values_list("code", flat=True)
    ]
    letters = [f"/api/{service}/dead-letters" for service in (*SERVICES, "projections")]
    shown(*own, *then, *past, *lists, *pages, *others, *tickets, *letters, "/api/operator/stuck")
    page = Client(HTTP_HOST="localhost", headers=TOKEN).get(f"/bookings/{booking}")
    assert page.status_code == 200
    assert booking in page.content.decode()
    for service, path in (
        ("booking", f"/api/bookings/{booking}"), ("booking", f"/api/bookings/{booking}/saga"),
        ("payments", f"/api/payments?booking={booking}"), ("tickets", f"/api/tickets?booking={booking}"),
        ("seats", f"/api/performances/{performance}/seats"), ("seats", "/api/performances"),
    ):  # fmt: skip
        with api(service):
            answer = Client(raise_request_exception=False).get(path, headers=TOKEN)
            assert answer.status_code == 200, (path, answer.content)


def announce(hall: dict[str, Any]) -> str:
    name = f"x-{uuid.uuid4().hex[:12]}"
    block = {"section": "Floor", "rows": ["A"], "seats_a_row": 3, "price": hall["price"]}
    body = {"id": name, "title": hall["title"], "venue": "Hall", "starts_at": "2030-01-01T20:00:00Z", "blocks": [block]}
    with api("seats"):
        body |= {"currency": hall["currency"]}
        answer = Client().post("/api/performances", json.dumps(body), content_type="application/json", headers=TOKEN)
    assert answer.status_code in (201, 422), answer.content
    return name if answer.status_code == 201 else ""


def book(body: dict[str, Any], key: str) -> Any:
    with api("booking"):
        client = Client(raise_request_exception=False)
        headers = {"Idempotency-Key": key}
        return client.post("/api/bookings", json.dumps(body), content_type="application/json", headers=headers)


def cancel(booking: str, customer: int) -> int:
    with api("booking"):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        body = json.dumps({"customer": customer})
        client = Client(raise_request_exception=False)
        url = f"/api/bookings/{booking}/cancel"
        return client.post(url, body, content_type="application/json", headers=headers).status_code


def go(sandbox: Sandbox, hall: dict[str, Any], body: dict[str, Any], key: str, stop: str, wish: bool) -> str:
    """What became of it: "refused", or the booking's state at the end."""
    performance = announce(hall)
    sandbox.settle()
    answer = book({"performance": performance or "nothing", **body}, key)
    assert answer.status_code in (202, 400, 409, 422), (answer.status_code, answer.content)
    if answer.status_code != 202:
        return "refused"
    booking, customer = answer.json()["id"], body["customer"]
    sandbox.house.run(hold=stop)
    if wish:
        assert cancel(booking, customer) in (202, 409)
        sandbox.house.run(hold=stop)
    sandbox.settle()
    look(booking, customer, performance)
    if sandbox.house.held:
        if Saga.objects.filter(booking=booking, state="RUNNING").exists():
            sandbox.house.overdue(Booking.objects.get(id=booking))
        sandbox.house.release()
        sandbox.settle()
        look(booking, customer, performance)
    return str(Booking.objects.get(id=booking).state)


def played(sandbox: Sandbox, examples: int) -> list[str]:
    ends: list[str] = []

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )  # fmt: skip
    @given(hall=HALLS, body=BODIES, key=KEYS, stop=STOPS, wish=st.booleans())
    def play(hall: dict[str, Any], body: dict[str, Any], key: str, stop: str, wish: bool) -> None:
        ends.append(go(sandbox, hall, body, key, stop, wish))
        event(ends[-1])

    play()
    return ends


pytestmark = [pytest.mark.django_db(databases=[*ALIASES, "journal"], transaction=True), pytest.mark.timeout(240)]


def test_a_booking_is_on_every_page(sandbox: Sandbox) -> None:
    """The control, and the plain way: what is right is booked, confirmed and cancelled."""
    hall = {"title": "حفلة 2030", "currency": "KRW", "price": 150_000}
    body = {
        "seats": ["A-1", "A-2"],
        "customer": LARGEST,
        "payment_method": "tok_visa",
        "seen": {"amount": 300_000, "currency": "KRW"},
    }
    assert go(sandbox, hall, body, "k" * 255, "", False) == "CONFIRMED"
    assert go(sandbox, hall, body, "~", "VoidTickets", True) == "CANCELLED"
    assert played(sandbox, 2)


@pytest.mark.proof
def test_whatever_can_be_booked_is_on_every_page(sandbox: Sandbox) -> None:
    ends = played(sandbox, EXAMPLES)
    assert {"refused", "CONFIRMED", "CANCELLED"} <= set(ends)
