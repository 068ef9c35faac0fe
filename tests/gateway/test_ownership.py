"""Off this machine: what a visitor may arm, and which faults they may end."""

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from faults import LIMIT, Fault
from faults.toggles import TOGGLES
from gateway.people.ownership import ARMED_AT_ONCE, armed_by, armer, check_armer, check_arming, visitors_too
from serving.operator_token import GUESSED
from serving.problems import Problem
from tests.routes import changing, routes

MINE = TOGGLES["card_declined"].fault(visitor="aa")
ANY = TOGGLES["card_declined"].fault()


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    GUESSED.forget()
    settings.OPERATOR_TOKEN = "secret"
    settings.ALLOWED_HOSTS = ["127.0.0.1", "sagabox.example"]


def asks(visitor: str = "aa", address: str = "192.0.2.7", **headers: str) -> HttpRequest:
    host = "127.0.0.1" if address == "127.0.0.1" else "sagabox.example"
    request = RequestFactory().post("/", REMOTE_ADDR=address, headers={"Host": host, **headers})
    request.visitor = visitor  # type: ignore[attr-defined]
    return request


def live(who: str, number: int = 1) -> list[dict[str, Any]]:
    return [{"id": f"{who}-{one}", "who": who, "state": "armed"} for one in range(number)]


def refused(request: HttpRequest, fault: Fault, plan: list[dict[str, Any]]) -> str:
    with pytest.raises(Problem) as caught:
        check_arming(request, fault, plan)
    assert caught.value.status == 403
    return caught.value.detail


def test_a_visitor_arms_for_themselves_and_an_operator_for_anybody() -> None:
    check_arming(asks(), MINE, [])
    assert "operator token" in refused(asks(), ANY, [])
    assert "operator token" in refused(asks("bb"), MINE, [])
    check_arming(asks(address="127.0.0.1"), ANY, [])
    check_arming(asks(Authorization="Bearer secret"), ANY, [])


def test_visitors_cannot_fill_the_plan() -> None:
    check_arming(asks(), MINE, live("visitor aa", ARMED_AT_ONCE - 1))
    assert "are armed already" in refused(asks(), MINE, live("visitor aa", ARMED_AT_ONCE))
    check_arming(asks(), MINE, [{**one, "state": "exhausted"} for one in live("visitor aa", ARMED_AT_ONCE)])
    assert "together" in refused(asks(), MINE, live("visitor bb", LIMIT // 2))
    check_arming(asks(), MINE, live("operator", LIMIT // 2))


def test_only_who_armed_it_ends_it_or_an_operator() -> None:
    plan = live("visitor aa") + live("operator") + live("visitor bb")
    check_armer(asks(), "visitor aa-0", plan)
    check_armer(asks(), "unknown", plan)
    for id in ("operator-0", "visitor bb-0"):
        with pytest.raises(Problem) as caught:
            check_armer(asks(), id, plan)
        assert caught.value.status == 403
        check_armer(asks(address="127.0.0.1"), id, plan)
    assert (armer(asks()), armed_by(asks())) == ("visitor aa", "visitor aa")
    assert (armer(asks(address="127.0.0.1")), armed_by(asks(address="127.0.0.1"))) == ("127.0.0.1", "")


@pytest.mark.parametrize(
    ("visitor", "headers", "status"),
    [
        ("", {}, 401),
        ("aa", {"Authorization": "Bearer guess"}, 401),
        ("aa", {"Origin": "https://example.com"}, 403),
    ],
    ids=["no cookie", "a wrong token", "another site's page"],
)
def test_who_is_neither_is_refused(visitor: str, headers: dict[str, str], status: int) -> None:
    with pytest.raises(Problem) as caught:
        visitors_too(asks(visitor, **headers))
    assert caught.value.status == status


def test_a_visitor_and_an_operator_are_let_in() -> None:
    assert visitors_too(asks())
    assert visitors_too(asks("", address="127.0.0.1"))
    assert visitors_too(asks("", Authorization="Bearer secret"))


def test_every_route_is_known_with_its_methods() -> None:
    """Those that tests/flow/people/test_visitors.py goes through; here it is seen within a second that they are found."""
    assert {("POST", "/rail/arm"), ("PUT", "/api/mechanisms"), ("DELETE", "/api/faults/{fault}")} <= set(changing())
    assert {("GET", "/"), ("GET", "/live/entries"), ("GET", "/api/runs/{id}/export")} <= set(routes())
