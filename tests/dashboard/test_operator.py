"""Who may break things: this machine, or whoever has the operator token."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from dashboard.operator import check_operator, is_operator, sign_in
from messaging.problems import Problem


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.OPERATOR_TOKEN = "secret"
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "sagabox.example"]


def request(address: str = "127.0.0.1", host: str = "localhost:8000", **headers: Any) -> HttpRequest:
    return RequestFactory().get("/", REMOTE_ADDR=address, headers={"Host": host, **headers})


@pytest.mark.parametrize(
    ("address", "host"), [("127.0.0.1", "localhost:8000"), ("::1", "[::1]:8000"), ("127.0.0.1", "127.0.0.1")]
)
def test_this_machine_may(address: str, host: str) -> None:
    assert is_operator(request(address, host))


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.7", "sagabox.example"),
        ("192.0.2.7", "localhost:8000"),
        ("127.0.0.1", "sagabox.example"),  # by a proxy on this machine
        ("", "localhost"),
    ],
)
def test_elsewhere_only_the_token_lets_in(address: str, host: str) -> None:
    assert not is_operator(request(address, host))
    assert not is_operator(request(address, host, Authorization="Bearer guess"))
    assert not is_operator(request(address, host, Authorization="Basic secret"))
    assert is_operator(request(address, host, Authorization="Bearer secret"))


def test_without_a_token_set_no_token_is_right(settings: Settings) -> None:
    settings.OPERATOR_TOKEN = ""
    assert not is_operator(request("192.0.2.7", Authorization="Bearer "))


def test_the_cookie_stands_for_the_token() -> None:
    response = HttpResponse()
    assert not sign_in(response, "guess")
    assert not response.cookies
    assert sign_in(response, "secret")
    away = request("192.0.2.7")
    away.COOKIES["operator"] = response.cookies["operator"].value
    assert is_operator(away)
    away.COOKIES["operator"] = "yes:forged"
    assert not is_operator(away)


def test_a_page_of_somebody_else_may_not_even_on_this_machine() -> None:
    check_operator(request(Origin="http://localhost:8000"))
    with pytest.raises(Problem, match="is not this page"):
        check_operator(request(Origin="https://example.com"))
