"""What Booking's API answers when it places nothing: another price than was seen, prices not known yet, too many requests."""

from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import Client

from booking import api
from booking.models import PerformanceReplica
from booking.placing.group_commit import GroupCommit
from tests.booking.test_api import BODY, nothing_written, post

pytestmark = [
    pytest.mark.django_db(databases=["booking"], transaction=True),
    pytest.mark.urls("tests.booking.urls"),
    pytest.mark.usefixtures("shop", "redis"),
]


@pytest.fixture(autouse=True)
def _front_leaves_no_connection() -> Iterator[None]:
    yield
    api.front.thread.submit(connections.close_all).result()


SEEN = BODY | {"seen": {"amount": 150_000, "currency": "KRW"}}


def test_a_booking_at_the_price_that_was_seen_is_accepted(client: Client) -> None:
    assert post(client, SEEN).status_code == 202


def test_nothing_is_booked_at_another_price_than_was_seen(client: Client) -> None:
    answer = post(client, BODY | {"seen": {"amount": 4_500, "currency": "EUR"}})
    problem = answer.json()
    assert answer.status_code == 409
    assert (problem["type"], problem["price"]) == ("price-changed", {"amount": 150_000, "currency": "KRW"})
    assert problem["errors"][0]["pointer"] == "#/seen"
    assert nothing_written()


def test_a_price_that_is_not_known_yet_is_asked_for_again(client: Client) -> None:
    PerformanceReplica.objects.update(prices=[], currency="")
    answer = post(client, SEEN)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert nothing_written()


def test_too_many_waiting_requests_are_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "front", GroupCommit(api._place, size=1, waiting=0))
    answer = post(client)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert nothing_written()
