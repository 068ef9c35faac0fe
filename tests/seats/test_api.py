"""Seat's HTTP API; every error is a problem document, and none is a traceback."""

from typing import Any

import pytest
from django.db.models.expressions import RawSQL
from django.test import Client

from seats.commands import handle
from seats.models import Outbox, Performance
from serving.problems import MEDIA_TYPE
from tests.messages import new_id
from tests.seats.test_reserving import reserve

pytestmark = [pytest.mark.django_db(databases=["seats"]), pytest.mark.urls("tests.seats.urls")]


@pytest.mark.usefixtures("performance")
def test_performances_say_what_is_still_available(client: Client) -> None:
    handle([reserve("A-1", "A-2")])
    found = client.get("/api/performances").json()
    assert found == [
        {
            "id": "concert",
            "title": "Concert",
            "venue": "Hall",
            "starts_at": "2030-01-01T20:00:00Z",
            "currency": "KRW",
            "seats": 400,
            "available": 398,
        }
    ]


@pytest.mark.usefixtures("performance")
def test_the_seats_are_the_truth(client: Client) -> None:
    envelope = reserve("A-2")
    handle([envelope])
    seats = client.get("/api/performances/concert/seats").json()
    assert [seat["label"] for seat in seats[:3]] == ["A-1", "A-2", "A-3"]
    assert seats[0] | {"id": 0} == {
        "id": 0, "label": "A-1", "section": "Stalls", "row": "A", "number": 1, "price": 150_000, "currency": "KRW",
        "status": "AVAILABLE", "booking_id": None, "version": 1,
    }  # fmt: skip
    assert (seats[1]["status"], seats[1]["booking_id"]) == ("RESERVED", envelope["correlationid"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/performances/concert-1999/seats", 404),
        ("/api/performances/Bad%00Id/seats", 400),
        ("/api/performances/'; drop table seats_seat; --/seats", 422),
        ("/api/performances/" + "x" * 65 + "/seats", 422),
        ("/api/seats/events?after=-1", 422),
        ("/api/seats/events?after=everything", 422),
        ("/api/seats/events?after=99999999999999999999", 422),
        ("/api/seats/events?limit=0", 422),
        ("/api/seats/events?to=x", 422),
        ("/api/nowhere", 404),
    ],
)
def test_a_bad_request_gets_a_problem_document(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)
    assert answer.json()["status"] == status
    assert answer.json()["title"]


def test_the_wrong_method_gets_a_problem_document(client: Client) -> None:
    answer = client.delete("/api/performances")
    assert (answer.status_code, answer["Content-Type"]) == (405, MEDIA_TYPE)
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.usefixtures("redis")
def test_health_and_readiness(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"ready": True, "parts": {"database": "ready", "redis": "ready"}}


@pytest.mark.django_db(databases=["seats"], transaction=True)
@pytest.mark.usefixtures("performance")
def test_the_event_log_is_read_page_by_page(client: Client) -> None:
    for label in ("A-1", "A-2", "A-3"):
        handle([reserve(label)])
    found, after, more = [], "0", True
    while more:
        page = client.get(f"/api/seats/events?after={after}&limit=1").json()
        found += [event["type"] for event in page["events"]]
        after, more = page["horizon"], page["more"]
    assert found == ["PerformanceAnnounced", "SeatsReserved", "SeatsReserved", "SeatsReserved"]


def test_the_api_describes_itself(client: Client) -> None:
    assert "/api/performances/{performance_id}/seats" in client.get("/api/openapi.json").json()["paths"]


PREMIERE: dict[str, Any] = {
    "id": "premiere",
    "title": "Première",
    "venue": "New Hall",
    "starts_at": "2099-01-01T20:00:00+09:00",
    "currency": "KRW",
    "blocks": [
        {"section": "Stalls", "rows": ["A", "B"], "seats_a_row": 3, "price": 150_000},
        {"section": "Balcony", "rows": ["AA"], "seats_a_row": 2, "price": 70_000},
    ],
}


def announce(client: Client, body: object, token: str = "token") -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return client.post("/api/performances", body, content_type="application/json", headers=headers)


def test_an_operator_announces_a_performance_once(client: Client, settings: Any) -> None:
    settings.OPERATOR_TOKEN = "token"
    assert announce(client, PREMIERE).status_code == 201
    labels = [seat["label"] for seat in client.get("/api/performances/premiere/seats").json()]
    assert labels == ["A-1", "A-2", "A-3", "B-1", "B-2", "B-3", "AA-1", "AA-2"]
    again = announce(client, PREMIERE)
    assert (again.status_code, again.json()["title"]) == (409, "Announced before")
    assert announce(client, PREMIERE | {"id": "other"}, token="wrong").status_code == 401
    event = Outbox.objects.get()
    assert (event.kind, event.type, len(event.data["seats"])) == ("event", "PerformanceAnnounced", 8)


BLOCK = PREMIERE["blocks"][0]


def test_text_is_kept_in_one_form_so_that_two_sections_that_look_alike_are_one(client: Client, settings: Any) -> None:
    settings.OPERATOR_TOKEN = "token"
    blocks = [BLOCK | {"section": "Parkett u\u0308ber"}, BLOCK | {"section": "Parkett über\u200e", "rows": ["C"]}]
    answer = announce(client, PREMIERE | {"title": "\ufeffحفلة 2030 ", "blocks": blocks})
    assert (answer.status_code, answer.json()["title"]) == (201, "حفلة 2030")
    assert {seat["section"] for seat in client.get("/api/performances/premiere/seats").json()} == {"Parkett über"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"id": "Not An Id"}, "#/id"),
        ({"title": " "}, "#/title"),
        ({"title": "\u200b"}, "a title needs at least one character that can be seen"),
        ({"title": "Show \u202eterces\u202c"}, "control of the writing direction"),
        ({"venue": "\u3164"}, "a venue needs at least one character that can be seen"),
        ({"blocks": [BLOCK | {"section": "\u2060\u2060"}]}, "#/blocks/0/section"),
        ({"starts_at": "2001-01-01T20:00:00Z"}, "is in the past"),
        ({"starts_at": "2099-01-01T20:00:00"}, "#/starts_at: has to be a moment with its zone"),
        ({"starts_at": "9999-12-31T23:59:59-14:00"}, "#/starts_at: has to be, in UTC, after 1899 and before 2200"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "#/starts_at: has to be, in UTC"),
        ({"starts_at": "2199-12-31T23:59:59-01:00"}, "#/starts_at: has to be, in UTC"),
        ({"starts_at": "2200-01-01T00:00:00Z"}, "#/starts_at: has to be, in UTC"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "#/starts_at: has to be, in UTC"),
        ({"starts_at": "10000-01-01T00:00:00Z"}, "#/starts_at"),
        ({"starts_at": 4_070_908_800}, "#/starts_at: has to be text: a moment with its zone"),
        ({"starts_at": "4070908800"}, "#/starts_at"),
        ({"blocks": [BLOCK | {"rows": [f"R{n}"]} for n in range(28)]}, "#/blocks: has at most 20 entries, not 28"),
        ({"blocks": [BLOCK | {"rows": ["가"]}]}, "#/blocks/0/rows/0: has to be one to four capital letters or digits"),
        ({"currency": "won"}, "#/currency"),
        ({"blocks": []}, "#/blocks"),
        ({"blocks": [BLOCK, BLOCK]}, "row A, B is there twice"),
        ({"blocks": [BLOCK | {"rows": [f"R{n}" for n in range(100)], "seats_a_row": 51}]}, "at most 5000"),
        ({"blocks": [BLOCK | {"price": -1}]}, "#/blocks/0/price"),
        ({"blocks": [BLOCK | {"price": 1.5}]}, "#/blocks/0/price"),
        ({"colour": "red"}, "#/colour"),
    ],
)
def test_a_performance_that_cannot_be_is_refused_and_nothing_written(
    client: Client, settings: Any, wrong: dict[str, Any], said: str
) -> None:
    settings.OPERATOR_TOKEN = "token"
    answer = announce(client, PREMIERE | wrong)
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    assert said in answer.json()["detail"]
    assert client.get("/api/performances").json() == []


def test_the_last_moment_that_is_allowed_can_be_announced_and_read(client: Client, settings: Any) -> None:
    settings.OPERATOR_TOKEN = "token"
    assert announce(client, PREMIERE | {"starts_at": "2200-01-01T13:59:59+14:00"}).status_code == 201
    assert client.get("/api/performances").json()[0]["starts_at"] == "2199-12-31T23:59:59Z"


@pytest.mark.usefixtures("performance")
@pytest.mark.parametrize("stored", ["10000-01-01 13:59:59+00", "infinity", "-infinity", "0044-03-15 12:00:00+00 BC"])
def test_a_date_that_python_cannot_hold_takes_no_list_away(client: Client, settings: Any, stored: str) -> None:
    """As an older version, or a hand, has stored it."""
    settings.OPERATOR_TOKEN = "token"
    assert announce(client, PREMIERE).status_code == 201
    Performance.objects.filter(id="premiere").update(starts_at=RawSQL("%s::timestamptz", [stored]))
    found = {one["id"]: one["starts_at"] for one in client.get("/api/performances").json()}
    assert found["concert"] == "2030-01-01T20:00:00Z"
    assert found["premiere"][:4] in ("9999", "0001")


@pytest.mark.parametrize("depth", [101, 300, 900, 9_000])
def test_a_body_that_others_could_not_read_is_refused(client: Client, settings: Any, depth: int) -> None:
    settings.OPERATOR_TOKEN = "token"
    body = '{"n":' * depth + "1" + "}" * depth
    answer = announce(client, f'{{"id": "deep", "title": {body}}}')
    assert answer.status_code in ((422,) if depth < 1000 else (400, 422))
    assert answer["Content-Type"] == MEDIA_TYPE


@pytest.mark.usefixtures("performance")
def test_what_bookings_hold_one_and_several(client: Client) -> None:
    first, second = reserve("A-1", "A-2"), reserve("A-3")
    handle([first, second])
    one, other = first["correlationid"], second["correlationid"]
    found = client.get(f"/api/seats/holds/{one}").json()
    assert (found["booking_id"], found["status"], found["seats"], found["amount"]) == (
        one,
        "HELD",
        ["A-1", "A-2"],
        300_000,
    )
    several = client.get(f"/api/seats/holds?bookings={other},{one},{new_id()}").json()
    assert {row["booking_id"]: row["seats"] for row in several} == {one: ["A-1", "A-2"], other: ["A-3"]}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"holds/{new_id()}", 404),
        ("holds/7", 422),
        ("holds", 422),
        ("holds?bookings=7", 422),
        (f"holds?bookings={','.join(new_id() for _ in range(101))}", 400),
    ],
)
def test_bad_questions_about_holds(client: Client, path: str, status: int) -> None:
    answer = client.get(f"/api/seats/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)
