"""Who visits: a signed cookie, and the pseudonym by which everybody else knows its owner."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from gateway.people import visitor
from gateway.people.visitor import COOKIE, SALT, Visitors

AFAR = {"REMOTE_ADDR": "192.0.2.7"}


def visit(path: str = "/", cookie: str = "", method: str = "get", **more: Any) -> tuple[str, str]:
    """The pseudonym that the page sees, and the cookie that the answer sets."""
    request = getattr(RequestFactory(), method)(path, **{"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1", **more})
    if cookie:
        request.COOKIES[COOKIE] = cookie
    seen: list[str] = []

    def page(request: HttpRequest) -> HttpResponse:
        seen.append(visitor.visitor(request))
        return HttpResponse()

    response = Visitors(page)(request)
    return seen[0], response.cookies[COOKIE].value if COOKIE in response.cookies else ""


def test_the_first_visit_makes_a_cookie_and_the_next_ones_keep_it() -> None:
    first, cookie = visit()
    assert visit(cookie=cookie) == (first, "")
    assert visit("/bookings", cookie=cookie) == (first, "")
    assert visitor.visitor_of_header(f"a=b; {COOKIE}={cookie}; operator=x") == first
    assert visit()[0] != first


def test_a_pseudonym_opens_nothing() -> None:
    first, cookie = visit()
    assert first not in cookie
    assert visit(cookie=first)[0] != first
    assert visit(cookie=f"{cookie}x")[0] != first
    assert visitor.visitor_of_header(f"{COOKIE}={first}") == ""


@pytest.mark.parametrize("path", ["/api/bookings", "/healthz", "/readyz", "/static/faults/rail.js"])
def test_a_program_on_this_machine_gets_none(path: str) -> None:
    assert visit(path) == ("", "")


def test_who_books_from_afar_can_come_back_for_it() -> None:
    found, cookie = visit("/api/bookings", method="post", **AFAR)
    assert found
    assert visit("/api/bookings", cookie, method="post", **AFAR) == (found, "")


def test_the_cookie_is_for_this_site_and_no_script() -> None:
    response = Visitors(lambda request: HttpResponse())(RequestFactory().get("/"))
    made = response.cookies[COOKIE]
    assert (made["httponly"], made["samesite"], made["path"]) == (True, "Lax", "/")
    assert SALT not in made.value
