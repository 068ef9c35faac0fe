"""Renaming a customer over HTTP: the event that goes with it, and names that are refused, of which nothing is written."""

import json
from typing import Any

import pytest
from django.test import Client

from booking.customers.api import LONGEST_NAME as LONGEST
from booking.models import Customer, IdempotencyKey, Outbox
from serving.problems import MEDIA_TYPE

pytestmark = [
    pytest.mark.django_db(databases=["booking"]),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop"),
]


def rename(client: Client, body: Any, key: str | None = "key-1", customer: Any = 123) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    content = body if isinstance(body, str) else json.dumps(body)
    return client.patch(f"/api/customers/{customer}", content, content_type="application/json", headers=headers)


def events() -> list[Any]:
    return list(Outbox.objects.filter(type="CustomerRenamed").order_by("seq"))


def test_a_rename_tells_the_views_in_the_same_transaction(client: Client) -> None:
    answer = rename(client, {"name": "  Minjun <b>Kim</b> 김민준 "})
    assert answer.status_code == 200
    renamed = {"id": 123, "name": "Minjun <b>Kim</b> 김민준", "email": "minjun@example.com", "version": 2}
    assert answer.json() == client.get("/api/customers/123").json() == renamed
    (event,) = events()
    assert (event.version, event.subject, event.data["name"]) == (2, "123", renamed["name"])
    # The same key again, also after another rename, tells nobody anything.
    assert rename(client, {"name": "  Minjun <b>Kim</b> 김민준 "}).json() == renamed
    assert rename(client, {"name": "Min-jun"}, "key-2").json()["version"] == 3
    assert rename(client, {"name": "  Minjun <b>Kim</b> 김민준 "}).json()["version"] == 3
    assert rename(client, {"name": "Min-jun"}, "key-3").json()["version"] == 3
    assert [event.version for event in events()] == [2, 3]


def test_what_somebody_else_changed_is_not_overwritten_unseen(client: Client) -> None:
    assert rename(client, {"name": "Minjun", "version": 1}).status_code == 200
    lost = rename(client, {"name": "Ana", "version": 1}, "key-2")
    assert (lost.status_code, lost.json()["title"]) == (409, "Changed meanwhile")
    assert Customer.objects.get(id=123).name == "Minjun"
    assert not IdempotencyKey.objects.filter(key="key-2").exists()


REFUSED = {
    "empty": ("", "can be seen"),
    "blanks": (" \u2003\u00a0 ", "can be seen"),
    "a joiner alone": ("\u200d", "can be seen"),
    "too long": ("x" * (LONGEST + 1), "at most 80"),
    "very long": ("x" * 50_000, "at most 80"),
    "NUL": ("Min\x00jun", "U+0000) is a control character"),
    "a line feed": ("Min\njun", "control character"),
    "an escape sequence": ("\x1b[31mred", "control character"),
    "a right-to-left override": ("Min\u202ejun", "U+202E) is a control of the writing direction"),
    "an isolate": ("\u2067Min\u2069", "control of the writing direction"),
    "a right-to-left mark": ("Min\u200fjun", "mark of the writing direction"),
    "a zero width space": ("Min\u200bjun", "invisible"),
    "a line separator": ("Min\u2028jun", "line break"),
    "half a character": ("\ud800", "no character"),
    "a private character": ("\ue000", "no character"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_deceive_are_refused(client: Client, name: str) -> None:
    raw, told = REFUSED[name]
    answer = rename(client, {"name": raw})
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    assert told in answer.json()["detail"]
    assert (events(), IdempotencyKey.objects.exists(), Customer.objects.get(id=123).version) == ([], False, 1)


@pytest.mark.parametrize("name", ["李\U0002ebf0", "李\U00031350田", "<script>alert(1)</script>"])
def test_people_are_called_many_things(client: Client, name: str) -> None:
    assert rename(client, {"name": f" \u200f{name}\ufeff"}).json()["name"] == name


@pytest.mark.parametrize(
    ("body", "key", "customer", "status"),
    [
        ({"name": "Ana"}, None, 123, 400),
        ({"name": "Ana"}, "key", 7, 404),
        ({"name": "Ana"}, "key", 0, 422),
        ({"name": "Ana"}, "key", 2**63, 422),
        ({"name": "Ana"}, "key", "x", 422),
        ({"name": 7}, "key", 123, 422),
        ({"name": "Ana", "email": "x"}, "key", 123, 422),
        ({"name": "Ana", "version": 0}, "key", 123, 422),
        ({}, "key", 123, 422),
        ("{", "key", 123, 400),
    ],
)
def test_a_bad_request_is_a_problem(client: Client, body: Any, key: str | None, customer: Any, status: int) -> None:
    answer = rename(client, body, key, customer)
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)
    assert not events()


def test_a_key_of_a_rename_books_nothing(client: Client) -> None:
    rename(client, {"name": "Ana"}, "shared")
    assert rename(client, {"name": "Bea"}, "shared").json()["title"] == "Idempotency key reused"
    assert Customer.objects.get(id=123).name == "Ana"
