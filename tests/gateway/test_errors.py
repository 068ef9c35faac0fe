"""What a person gets instead of a page, and a program instead of an answer."""

import json
from collections.abc import Callable

import pytest
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from gateway.errors import SaysWhenAway, broken, not_found

pytestmark = pytest.mark.django_db(databases=["journal"])


def test_an_address_of_no_page_is_named_and_shown_as_text() -> None:
    answer = not_found(RequestFactory().get("/<script>alert(1)</script>"), Http404())
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "Nothing is at /&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'href="/bookings"' in page


@pytest.mark.parametrize(("status", "answer"), [(404, lambda asked: not_found(asked, Http404())), (500, broken)])
def test_the_api_has_problem_details(status: int, answer: Callable[[HttpRequest], HttpResponse]) -> None:
    told = answer(RequestFactory().get("/api/nope"))
    assert (told.status_code, told["content-type"]) == (status, "application/problem+json")
    assert json.loads(told.content)["status"] == status


def test_a_mistake_of_ours_says_so() -> None:
    answer = broken(RequestFactory().get("/bookings"))
    assert answer.status_code == 500
    assert "not an injected fault" in answer.content.decode()


def test_what_is_away_is_told_from_a_mistake() -> None:
    says = SaysWhenAway(lambda request: HttpResponse())
    page = says.process_exception(RequestFactory().get("/bookings"), OperationalError("no answer"))
    assert page is not None
    assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert "The views are down" in page.content.decode()
    told = says.process_exception(RequestFactory().get("/api/x"), OperationalError("no answer"))
    assert told is not None
    assert (told.status_code, told["content-type"]) == (503, "application/problem+json")
    assert says.process_exception(RequestFactory().get("/bookings"), ValueError("ours")) is None
