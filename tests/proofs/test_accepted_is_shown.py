"""Whatever an API accepts, every page and every GET can show: no 5xx, whoever announced, renamed or imported what.

In one process: the services' own APIs, the events they publish, the views' projectors, and the front door's pages.
"""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, override_settings
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from booking.models import Customer
from booking.models import Outbox as BookingOutbox
from journal.archive.importing import import_run
from journal.archive.reading import ArchiveError
from messaging.envelope import from_row
from messaging.hashing import added, row_hash
from seats.models import Outbox as SeatsOutbox
from tests.journal.archive.samples import sample, text_of
from tests.journal.archive.world import wipe
from tests.messages import new_id
from tests.projections.test_views import project

ALIASES = ["booking", "seats", "projections", "journal"]
pytestmark = [pytest.mark.django_db(databases=ALIASES, transaction=True), pytest.mark.timeout(240)]
EXAMPLES = int(os.environ.get("PROOFS_EXAMPLES", "12"))
BOUNDED = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)  # fmt: skip
TOKEN = {"Authorization": "Bearer of-a-test"}

TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["حفلة 2030", "\u202egnp.exe", "<b>", "a\r\nb", "\x00", "李\U0002ebf0", "e\u0301" * 40, "{{ 7|add:1 }}", "%s"]
    ),
)
OFFSETS = st.sampled_from([timezone(timedelta(hours=hours)) for hours in (-14, -5, 0, 9, 14)])
MOMENTS = st.one_of(
    st.datetimes(timezones=OFFSETS).map(datetime.isoformat),
    st.datetimes(datetime(2027, 1, 1), datetime(2199, 12, 31), timezones=OFFSETS).map(datetime.isoformat),  # noqa: DTZ001
    st.sampled_from(
        ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2200-01-01T13:59:59.999999+14:00", 1893456000]
    ),
)
BLOCKS = st.lists(
    st.fixed_dictionaries(
        {
            "section": TEXT,
            "rows": st.lists(st.sampled_from(["A", "B", "AA", "12", "Z9"]), min_size=1, max_size=2),
            "seats_a_row": st.integers(1, 3),
            "price": st.one_of(st.integers(0, 10**12), st.just(0)),
        }
    ),
    min_size=1,
    max_size=2,
)
PERFORMANCES = st.fixed_dictionaries(
    {
        "title": TEXT,
        "venue": TEXT,
        "starts_at": MOMENTS,
        "currency": st.sampled_from(["KRW", "EUR", "JPY", "KWD", "HUF", "XXX", "ZZZ"]),
        "blocks": BLOCKS,
    }
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), TEXT.filter(lambda text: "\x00" not in text)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "kind", "state", "data", "n"]), inner)
    ),
    max_leaves=5,
)


@pytest.fixture(autouse=True)
def front_door(settings: Any) -> None:
    """No service answers at the addresses the front door has: what it shows, it shows from the views and the journal."""
    settings.OPERATOR_TOKEN = "of-a-test"
    settings.API_URLS = dict.fromkeys(settings.API_URLS, "http://127.0.0.1:9")


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Each example finds the databases empty."""
    with transaction.atomic("seats"), transaction.atomic("booking"), transaction.atomic("projections"):
        try:
            yield
        finally:
            for alias in ("seats", "booking", "projections"):
                transaction.set_rollback(True, using=alias)


def api(service: str) -> Any:
    return override_settings(ROOT_URLCONF=f"tests.{service}.urls")


def shown(*paths: str) -> None:
    """Every path answers, and with nothing that is our fault (503: a service that is away here)."""
    client = Client(HTTP_HOST="localhost", raise_request_exception=False)
    for path in paths:
        answer = client.get(path)
        assert answer.status_code < 500 or answer.status_code == 503, (path, answer.status_code)


@BOUNDED
@given(asked=PERFORMANCES)
def test_what_can_be_announced_is_on_every_page(asked: dict[str, Any]) -> None:
    name = f"x-{uuid.uuid4().hex[:12]}"
    with nothing_kept():
        with api("seats"):
            client = Client(raise_request_exception=False)
            body = json.dumps({"id": name, **asked})
            answer = client.post("/api/performances", body, content_type="application/json", headers=TOKEN)
            assert answer.status_code in (201, 422), answer.content
            listed = client.get("/api/performances")
            assert listed.status_code == 200
            assert [one["id"] for one in listed.json()] == ([name] if answer.status_code == 201 else [])
            assert client.get(f"/api/performances/{name}/seats").status_code in (200, 404)
        project([from_row("seats", row) for row in SeatsOutbox.objects.order_by("seq").values()])
        shown(
            "/",
            f"/?performance={name}",
            "/sales",
            "/opening",
            "/bookings",
            f"/api/performances/{name}/seats",
            "/api/docs",
        )
        if answer.status_code == 201:
            page = Client(HTTP_HOST="localhost").get("/sales").content.decode()
            assert f"/?performance={name}" in page


@BOUNDED
@given(names=st.lists(TEXT, min_size=1, max_size=3))
def test_any_name_that_is_taken_is_on_every_page(names: list[str]) -> None:
    with nothing_kept():
        Customer.objects.create(id=123, name="First", email="first@example.org", version=1)
        with api("booking"):
            client = Client(raise_request_exception=False)
            for name in names:
                answer = client.patch(
                    "/api/customers/123",
                    json.dumps({"name": name}),
                    content_type="application/json",
                    headers={"Idempotency-Key": new_id()},
                )
                assert answer.status_code in (200, 422), answer.content
            assert client.get("/api/customers").json()[0]["name"] == client.get("/api/customers/123").json()["name"]
        project(
            [from_row("booking", row) for row in BookingOutbox.objects.filter(kind="event").order_by("seq").values()]
        )
        shown("/", "/customers", "/customers/123", "/customers/123/names", "/bookings", "/bookings?customer=123")


KINDS = ["fault", "violation", "gap", "operator", "dead letter", "rolled back", "unreadable", "nonsense"]
TABLES = [
    "seats_seat",
    "booking_booking",
    "booking_saga",
    "seats_outbox",
    "projections_checkpoint",
    "tickets_ticket",
    "t",
]
COLUMNS = [
    "id",
    "status",
    "state",
    "booking_id",
    "label",
    "type",
    "kind",
    "seats",
    "version",
    "correlation_id",
    "saga_id",
]
GOOD = st.just("2030-01-01T00:00:00+00:00")
OBSERVED = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "data": st.dictionaries(st.sampled_from(["fault", "fired", "armed", "n"]), JSON, max_size=3),
    }
)
ENTRIES = st.fixed_dictionaries(
    {
        "title": TEXT.filter(lambda text: "\x00" not in text),
        "service": st.sampled_from(["seats", "booking", "nobody", "<b>"]),
        "kind": st.sampled_from(["transaction", "observation"]),
        "committed_at": GOOD | GOOD | GOOD | MOMENTS.map(str),
        "cause_pos": st.just([]) | st.lists(st.integers(-1, 4), max_size=2),
        "causes": st.lists(st.uuids().map(str), max_size=1),
        "data": st.none()
        | OBSERVED
        | OBSERVED
        | st.dictionaries(st.sampled_from(["kind", "data", "n"]), JSON, max_size=3),
        "table": st.sampled_from(TABLES),
        "row": st.dictionaries(st.sampled_from(COLUMNS), JSON, max_size=6),
    }
)
FAULTS: st.SearchStrategy[list[Any]] = st.just([]) | st.just([]) | st.lists(JSON, max_size=2)
NAMES = st.just("a run") | st.just("a run") | TEXT.filter(bool)


def exported(entries: list[dict[str, Any]], faults: Any, name: str) -> bytes:
    """A file with these entries, its hashes and its checksum right: what only the content can be refused for."""
    lines = sample(len(entries))
    totals: dict[str, dict[str, dict[str, Any]]] = {}
    lines[0][1]["faults"], lines[0][1]["name"] = faults, name
    for number, given_ in enumerate(entries, 1):
        entry = lines[number][1]
        table, key = given_["table"], str(number)
        entry |= {
            field: given_[field]
            for field in ("title", "service", "kind", "committed_at", "cause_pos", "causes", "data")
        }
        entry["changes"] = [{"table": table, "op": "insert", "key": key, "old": None, "new": given_["row"]}]
        total = totals.setdefault(given_["service"], {}).setdefault(table, {"rows": 0, "hash": "0"})
        total["rows"] += 1
        total["hash"] = str(added(int(total["hash"]), row_hash(key, given_["row"])))
    lines[-1][1]["hashes"] = totals
    return text_of(lines)


@BOUNDED
@given(
    entries=st.lists(ENTRIES, min_size=1, max_size=3),
    faults=FAULTS,
    name=NAMES,
)
def test_any_run_that_can_be_imported_can_be_looked_at(entries: list[dict[str, Any]], faults: Any, name: str) -> None:
    wipe()
    run = None
    try:
        run = import_run([exported(entries, faults, name)])
    except ArchiveError as error:
        event(f"refused: {str(error)[:60]}")
    except TypeError:  # this test's own writer
        event("not written")
    else:
        event("accepted")
    own = (f"/replay/{run}", f"/api/runs/{run}", f"/replay/{run}/schedule", f"/replay/{run}/check") if run else ()
    moments = [f"/replay/{run}/moment?pos={pos}" for pos in range(1, len(entries) + 1)] if run else []
    drawn = [f"/replay/diagram?run={run}", f"/replay/diagram?run={run}&from=1&to={len(entries)}"] if run else []
    shown("/replay", "/replay/runs", "/api/runs", *own, *moments, *drawn)
    if run:
        client = Client(HTTP_HOST="localhost")
        assert f"/replay/{run}" in client.get("/replay").content.decode()
    wipe()


def test_the_examples_are_not_all_refused() -> None:
    """The control: what is plainly right is accepted by each of the three ways above."""
    at = datetime(2030, 1, 1, tzinfo=UTC).isoformat()
    entry = {
        "title": "thing",
        "service": "seats",
        "kind": "transaction",
        "committed_at": at,
        "cause_pos": [],
        "causes": [],
    }
    wipe()
    assert import_run([exported([{**entry, "data": None, "table": "t", "row": {"id": 1}}], [], "a run")])
    wipe()
    with nothing_kept(), api("seats"):
        block = {"section": "Floor", "rows": ["A"], "seats_a_row": 1, "price": 1}
        body = {"id": "x", "title": "X", "venue": "Y", "starts_at": at, "currency": "EUR", "blocks": [block]}
        answer = Client().post("/api/performances", json.dumps(body), content_type="application/json", headers=TOKEN)
        assert answer.status_code == 201, answer.content
