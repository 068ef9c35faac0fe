"""Operator actions at the front door: who is admitted, and which service gets which request."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client

from dashboard.operate import context, letters, views
from dashboard.records import customers
from gateway import operate_api
from gateway.clients import ServiceDown

pytestmark = [pytest.mark.urls("dashboard.urls"), pytest.mark.django_db(databases=["journal", "projections"])]
AWAY: dict[str, Any] = {"REMOTE_ADDR": "192.0.2.7"}
OPERATOR_ACTION = {"who": "Ines", "why": "the printer is back"}
ID = str(uuid.uuid4())
SAGA_URL, LETTER_URL = f"/api/operator/sagas/{ID}/retry-now", f"/api/tickets/dead-letters/{ID}/retry"


@pytest.fixture(autouse=True)
def asked(client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[tuple[str, str, str, Any]]:
    """What the services were asked: (service, method, path, body)."""
    found: list[tuple[str, str, str, Any]] = []

    def call(service: str, method: str, path: str, **more: Any) -> httpx.Response:
        assert more["headers"]["Authorization"] == "Bearer of-a-test"
        content = more.get("content") or json.dumps(more.get("json")).encode()
        found.append((service, method, path, json.loads(content) if method == "POST" else None))
        body: Any = {"sagas": []} if path.endswith("stuck") else []
        if path.endswith("dead-letters/discard") or path.endswith("dead-letters/retry"):
            body = {"done": 1, "refused": [], "left": 0, "next": ""}
        return httpx.Response(200, json=body, request=httpx.Request(method, "http://service"))

    client.defaults["HTTP_HOST"] = "localhost"  # otherwise it would call itself testserver, which is not this machine
    settings.OPERATOR_TOKEN = "of-a-test"
    monkeypatch.setattr(operate_api, "call", call)
    return found


@pytest.mark.parametrize(
    "url", [SAGA_URL, LETTER_URL, f"/operate/sagas/{ID}/skip", f"/operate/letters/seats/{ID}/retry"]
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}])
def test_off_this_machine_it_takes_the_token(client: Client, asked: Any, url: str, headers: dict[str, str]) -> None:
    answer = client.post(url, OPERATOR_ACTION, content_type="application/json", headers=headers, **AWAY)
    assert (answer.status_code, asked) == (401, [])


@pytest.mark.parametrize("url", ["/operate", "/operate/work", "/api/operator/stuck", "/api/seats/dead-letters"])
def test_looking_takes_the_token_too(client: Client, asked: Any, url: str) -> None:
    assert client.get(url, **AWAY).status_code == 401
    assert client.get(url, headers={"Authorization": "Bearer of-a-test"}, **AWAY).status_code == 200
    assert client.get(url).status_code == 200


def test_with_it_the_request_is_handed_on(client: Client, asked: Any) -> None:
    token = {"Authorization": "Bearer of-a-test"}
    for url in (SAGA_URL, LETTER_URL):
        assert (
            client.post(url, OPERATOR_ACTION, content_type="application/json", headers=token, **AWAY).status_code == 200
        )
    assert asked == [("booking", "POST", SAGA_URL, OPERATOR_ACTION), ("tickets", "POST", LETTER_URL, OPERATOR_ACTION)]


def test_a_foreign_page_on_this_machine_may_not(client: Client, asked: Any) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    answer = client.post(SAGA_URL, OPERATOR_ACTION, content_type="application/json", headers=foreign)
    assert (answer.status_code, asked) == (403, [])


@pytest.mark.parametrize(
    "url",
    [
        f"/api/operator/sagas/{ID}/bless", "/api/operator/sagas/15/skip", f"/api/web/dead-letters/{ID}/retry",
        f"/api/seats/dead-letters/{ID}/burn", "/api/seats/dead-letters/15/retry",
    ],
)  # fmt: skip
def test_bad_urls_reach_nobody(client: Client, asked: Any, url: str) -> None:
    answer = client.post(url, OPERATOR_ACTION, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"], asked) == (422, "application/problem+json", [])


def test_the_page_says_which_service_is_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(method: str, service: str, path: str, **more: Any) -> httpx.Response:
        if service == "payments":
            raise ServiceDown(service, httpx.ConnectError("refused"))
        body: Any = {"sagas": []} if path.endswith("stuck") else []
        return httpx.Response(
            503 if service == "tickets" else 200, json=body, request=httpx.Request(method, "http://s")
        )

    for module in (views, letters):
        monkeypatch.setattr(module, "ask", ask)
    text = client.get("/operate").content.decode()
    assert "Payment: its API does not answer" in text
    assert "Ticket: its API answers 503" in text
    assert "No message has failed." in text


FORMS = {
    "a booking's cancellation": f"/bookings/{ID}/cancel",
    "a decision on a saga": f"/operate/sagas/{ID}/retry-now",
    "one on a letter": f"/operate/letters/seats/{ID}/retry",
    "one on many letters": "/operate/letters/seats/retry",
    "a customer's new name": "/customers/123/rename",
}


@pytest.mark.parametrize("form", FORMS)
def test_an_api_that_is_down_on_purpose_is_told_in_words(
    client: Client, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    told = {"title": "Injected fault", "detail": "the API of 'seats' is down on purpose (fault 27c0a8)"}
    answer = httpx.Response(503, json=told, headers={"X-Injected-Fault": "27c0a8"})
    for module in (views, operate_api, customers):
        monkeypatch.setattr(module, "call", lambda *_, **__: answer)
    monkeypatch.setattr(customers, "get_json", lambda *_, **__: None)
    text = client.post(
        FORMS[form], {**OPERATOR_ACTION, "name": "Anna", "letter": ID, "customer": "123"}
    ).content.decode()
    assert "Injected fault" in text
    assert "API is down on purpose, and nothing was done" in text
    assert "27c0a8" not in text


def test_many_letters_of_which_some_are_decided_on_before_the_api_goes_down(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([
        httpx.Response(200, json={"done": 1000, "refused": [], "left": 7, "next": "x"}),
        httpx.Response(500, text="<h1>oops</h1>"),
    ])  # fmt: skip
    monkeypatch.setattr(operate_api, "call", lambda *_, **__: next(answers))
    text = client.post("/operate/letters/seats/retry", {**OPERATOR_ACTION, "letter": [ID]}).content.decode()
    assert "1000 messages are sent again. Then: the service answered 500" in text


def test_the_pages_buttons(client: Client, asked: Any) -> None:
    answer = client.post(f"/operate/sagas/{ID}/skip", OPERATOR_ACTION)
    assert (answer["HX-Trigger"], asked[-1]) == (
        "acted", ("booking", "POST", f"/api/operator/sagas/{ID}/skip", OPERATOR_ACTION),
    )  # fmt: skip
    seen = {"saga_id": ID, "step": "TakePayment", "action": "compensation", "attempt": "8"}
    client.post(f"/operate/sagas/{ID}/skip", {**OPERATOR_ACTION, **seen})
    assert asked[-1][3] == {**OPERATOR_ACTION, **seen}
    many = {**OPERATOR_ACTION, "letter": [ID], "until": "2030-01-01T00:00:00Z"}
    client.post("/operate/letters/payments/discard", many)
    assert asked[-1] == ("payments", "POST", "/api/payments/dead-letters/discard", {**OPERATOR_ACTION, "ids": [ID]})
    client.post("/operate/letters/payments/retry", {**many, "all": "1"})
    assert asked[-1][3] == {**OPERATOR_ACTION, "which": {}, "until": "2030-01-01T00:00:00Z"}
    assert "No letter is selected" in client.post("/operate/letters/payments/retry", OPERATOR_ACTION).content.decode()
    edited = {**OPERATOR_ACTION, "data": '{"amount": 7}'}
    client.post(f"/operate/letters/payments/{ID}/edit-and-retry", edited)
    assert asked[-1][3] == {**OPERATOR_ACTION, "data": {"amount": 7}}
    count = len(asked)
    assert "Not JSON" in client.post(f"/operate/letters/payments/{ID}/edit-and-retry", {"data": "{"}).content.decode()
    assert "No such service" in client.post(f"/operate/letters/web/{ID}/retry", OPERATOR_ACTION).content.decode()
    assert len(asked) == count


def test_a_saga_that_is_kept_from_its_decision_is_not_promised_one_in_the_past() -> None:
    def shown(due: datetime | None) -> str:
        saga = {"id": ID, "booking_id": ID, "definition": "BookTickets", "state": "RUNNING", "booking_state": "PAYING"}
        saga |= {"step": "TakePayment", "action": "forward"}
        told: dict[str, Any] = {**saga, "attempt": 1, "reason": "", "steps": []}
        told["due_at"] = due.isoformat() if due else None
        return render_to_string(
            "operate/operate.html#work", {"sagas": [context._saga(told)], "digest": "", "letters": []}
        )

    stranger = {"unknown": "no step ChargeCard", "stuck": False, "overdue": True, "current": None, "state": "RUNNING"}
    saga = {"id": ID, "step": "ChargeCard", "action": '"forward"', "attempt": 1, **stranger}
    text = render_to_string("operate/operate.html#work", {"sagas": [{**saga, **context.seen(saga)}], "letters": []})
    assert "no step ChargeCard" in text
    assert "End it: the booking is cancelled" in text
    assert "Send again now" not in text
    now = datetime.now(UTC)
    assert "next attempt or decision <time" in shown(now + timedelta(seconds=5))
    assert "a decision is due since" in shown(now - timedelta(seconds=5))


def test_the_attempts_shown_are_those_of_what_the_saga_stands_at() -> None:
    """A step that was sent and never answered stays "sent" while another, earlier one is undone or fenced."""

    def action(name: str, what: str, state: str = "sent") -> dict[str, Any]:
        attempts = [{"number": 1, "sent_at": "2024-01-01T00:00:00+00:00", "error": f"of {name}"}]
        return {"action": what, "command": name, "state": state, "attempts": attempts, "limit": 8}

    reserving = [action("ReserveSeats", "forward", "succeeded"), action("ReleaseSeats", "compensation")]
    steps = [
        {"name": "ReserveSeats", "actions": reserving},
        {"name": "TakePayment", "actions": [action("TakePayment", "forward")]},
    ]  # fmt: skip
    saga = {"id": ID, "booking_id": ID, "definition": "BookTickets", "state": "STUCK", "booking_state": "CANCELLING"}
    told = {**saga, "step": "ReserveSeats", "action": "compensation", "attempt": 1, "due_at": None, "steps": steps}
    text = render_to_string("operate/operate.html#work", {"sagas": [context._saga(told)], "letters": []})
    assert ("of ReleaseSeats" in text, "of TakePayment" in text) == (True, False)
    assert context._saga({**told, "step": "ReserveSeats", "action": "forward"})["current"] is None  # it has its answer


@pytest.mark.parametrize("verb", ["retry-now", "skip", "resend"])
@pytest.mark.parametrize(
    ("decision", "says"), [({"who": "Ines", "why": " "}, "Enter a reason"), ({"why": "back"}, "Enter your name")]
)
def test_without_a_name_or_a_reason_nothing_is_asked(
    client: Client, asked: Any, verb: str, decision: dict[str, str], says: str
) -> None:
    answer = client.post(f"/operate/sagas/{ID}/{verb}", decision)
    assert f"{says}: it is kept in the journal" in answer.content.decode()
    assert (asked, answer.headers.get("HX-Trigger")) == ([], None)
    for what in ("retry", "discard"):
        for path in (f"/operate/letters/seats/{ID}/{what}", f"/operate/letters/seats/{what}"):
            assert says in client.post(path, {**decision, "letter": ID}).content.decode()
    assert asked == []


IRREVERSIBLE = re.compile(
    r"/(skip|discard|end|cancel)\b|operate-saga' booking_id '(skip|end|cancel)'|replay-(stop|delete)'"
)
BUTTON = re.compile(r"<button\b(?:{%.*?%}|{{.*?}}|[^>])*>", re.DOTALL)


def test_every_button_for_what_cannot_be_undone_asks_first() -> None:
    """A button that asks has an id: by that it is found again after a redraw."""
    buttons = [
        one for page in (settings.BASE_DIR / "templates").rglob("*.html") for one in BUTTON.findall(page.read_text())
    ]
    final = [one for one in buttons if IRREVERSIBLE.search(one)]
    assert len(final) > 10
    assert [one for one in final if "data-sure=" not in one] == []
    asking = [one for one in buttons if "data-sure=" in one]
    assert [one for one in asking if not re.search(r"\bid=", one)] == []
