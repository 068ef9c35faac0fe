"""Who may break things: this machine, or whoever has the operator token."""

from contextlib import nullcontext
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from gateway.people.operator import check_operator, is_operator, sign_in
from journal.runs.runs_api import brings_a_run
from serving.operator_token import GUESSED, GUESSES, IN_S
from serving.problems import Problem


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    GUESSED.forget()
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
    assert not sign_in(request(), response, "guess")
    assert not response.cookies
    assert sign_in(request(), response, "secret")
    away = request("192.0.2.7")
    away.COOKIES["operator"] = response.cookies["operator"].value
    assert is_operator(away)
    forged = request("192.0.2.7")
    forged.COOKIES["operator"] = "yes:forged"
    assert not is_operator(forged)


def test_another_token_ends_the_sessions_of_the_one_before(settings: Settings) -> None:
    response = HttpResponse()
    assert sign_in(request(), response, "secret")
    for token, known in {"secret": True, "rotated": False, "": False}.items():
        settings.OPERATOR_TOKEN = token
        away = request("192.0.2.7")
        away.COOKIES["operator"] = response.cookies["operator"].value
        assert is_operator(away) is known


def guess(address: str, token: str = "guess") -> None:
    check_operator(request(address, Authorization=f"Bearer {token}"))


def test_tokens_are_guessed_slowly_and_each_wrong_one_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(GUESSES):
        with pytest.raises(Problem) as wrong:
            guess("192.0.2.7")
        assert wrong.value.status == 401
    with pytest.raises(Problem) as slow:
        guess("192.0.2.7", "secret")  # or the next guess would be answered
    assert (slow.value.status, 0 < int(slow.value.headers["Retry-After"]) <= IN_S + 1) == (429, True)
    assert caplog.messages.count("a wrong operator token came from 192.0.2.7 (5 within 60 s)") == 1
    assert not any("guess" in message for message in caplog.messages), "nobody's typing error belongs in a log"
    guess("192.0.2.8", "secret")
    with pytest.raises(Problem) as typed:
        sign_in(request("192.0.2.7"), HttpResponse(), "guess")
    assert typed.value.status == 429


@pytest.mark.parametrize(("sent", "logged"), [("guess", 1), ("", 0), ("secret", 0)])
def test_a_wrong_token_for_an_import_is_in_the_log_of_the_journals_api(
    caplog: pytest.LogCaptureFixture, sent: str, logged: int
) -> None:
    """Asked before the body is read, and so by no view."""
    headers = [(b"authorization", f"Bearer {sent}".encode())] if sent else []
    scope = {"method": "POST", "path": "/api/runs/import", "headers": headers, "client": ("192.0.2.7", 1)}
    with nullcontext() if sent == "secret" else pytest.raises(Problem):
        assert brings_a_run(scope)
    told = [one for one in caplog.messages if "a wrong operator token came from 192.0.2.7" in one]
    assert len(told) == logged


def test_after_a_minute_the_next_guess_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(GUESSES):
        GUESSED.wrong("192.0.2.7")
    monkeypatch.setattr("serving.operator_token.IN_S", 0.0)
    guess("192.0.2.7", "secret")


def test_a_request_is_one_guess_however_many_ask(caplog: pytest.LogCaptureFixture) -> None:
    asked = request("192.0.2.7", Authorization="Bearer guess")
    assert [is_operator(asked) for _ in range(3)] == [False] * 3
    assert len(caplog.messages) == 1


def test_the_addresses_of_one_network_count_as_one_and_what_is_remembered_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(GUESSES):
        GUESSED.wrong(f"2001:db8::{number}")
    with pytest.raises(Problem):
        GUESSED.check("2001:db8::ffff")
    GUESSED.check("2001:db9::1")
    monkeypatch.setattr("serving.operator_token.REMEMBERED", 10)
    for number in range(20):
        GUESSED.wrong(f"192.0.2.{number}")
    assert len(GUESSED._at) == 10


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/api/faults"), ("delete", "/api/faults/x"), ("put", "/api/mechanisms"), ("post", "/api/runs"),
        ("post", "/api/performances"), ("post", "/api/runs/import?id=none"), ("patch", "/api/runs/none"),
        ("delete", "/api/runs/none"), ("post", "/api/faults/x/resume"), ("post", "/api/operator/sagas/none/skip"),
        ("post", "/api/nobody/dead-letters/none/retry"), ("get", "/api/nobody/dead-letters"),
        ("post", "/api/lab/rigs/none/open"), ("post", "/api/lab/measurement"), ("get", "/api/lab/composition"),
        ("post", "/api/lab/composition/bookings?count=none"),
    ],
)  # fmt: skip
def test_who_asks_comes_before_what_is_asked(method: str, path: str) -> None:
    """An operator's request to each of these would be refused for what it says."""
    stranger = Client(REMOTE_ADDR="192.0.2.7", HTTP_HOST="sagabox.example")
    answer = stranger.generic(method.upper(), path, "{", content_type="application/json")
    assert answer.status_code == 401


def test_a_page_of_somebody_else_may_not_even_on_this_machine() -> None:
    check_operator(request(Origin="http://localhost:8000"))
    for origin in (
        "https://example.com",
        "http://localhost:9999",
        "https://localhost:8000",
        "null",
        "http://[",
        "é",
        "//localhost:8000",
    ):
        with pytest.raises(Problem, match="is not this page"):
            check_operator(request(Origin=origin))


@pytest.mark.urls("dashboard.urls")
@pytest.mark.django_db(databases=["journal", "projections"])
@pytest.mark.parametrize("page", ["/operate", "/customers", "/customers/1"])
def test_a_person_elsewhere_gets_a_page_to_sign_in_on(page: str) -> None:
    answer = Client(REMOTE_ADDR="192.0.2.7", HTTP_HOST="sagabox.example").get(page)
    assert (answer.status_code, answer["Content-Type"]) == (401, "text/html; charset=utf-8")
    assert answer["WWW-Authenticate"] == "Bearer"
    assert "Operators only" in answer.content.decode()
    assert 'hx-post="/rail/operator"' in answer.content.decode()
    assert "Authorization" not in answer.content.decode(), "nobody types a header into a browser"
