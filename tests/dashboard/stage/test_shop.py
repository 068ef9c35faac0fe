"""The form that books: what it hands to Booking, and each answer in words for a person, with the event that the page acts on."""

import json
from typing import Any

import httpx
import pytest
from django.test import Client

from dashboard.records import customers
from dashboard.stage import shop
from dashboard.typed import number_or_text, whole
from gateway.clients import ServiceDown
from serving.problems import Problem
from tests.dashboard.markup import compact

pytestmark = [pytest.mark.urls("dashboard.urls"), pytest.mark.django_db(databases=["journal", "projections"])]
FORM = {"performance": "studio-night", "seats": "A-1,A-2", "customer": "123", "payment_method": "tok_visa"}
BOOKED = {"id": "01a1feb9-b11d-78c8-99bf-000000000000", "state": "PENDING"}


class Booking:
    """Stands where Booking stands: keeps what it was asked, and gives the answer it was told to."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.answer: httpx.Response | Exception = httpx.Response(202, json=BOOKED)

    def __call__(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        self.asked.append(more["json"])
        self.keys.append(more["headers"]["Idempotency-Key"])
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def booking(monkeypatch: pytest.MonkeyPatch) -> Booking:
    found = Booking()
    monkeypatch.setattr(shop, "call", found)
    monkeypatch.setattr(customers, "call", found)
    monkeypatch.setattr(shop.PRESSURE, "check", lambda: None)
    return found


def book(client: Client, **form: str) -> tuple[str, dict[str, Any]]:
    """The answer's text, and its event."""
    answer = client.post("/book", FORM | form, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    return answer.content.decode(), json.loads(answer["HX-Trigger"])


def test_the_form_says_what_the_buyer_saw_and_what_they_accepted_instead(client: Client, booking: Booking) -> None:
    plain = {"performance": "studio-night", "seats": ["A-1", "A-2"], "customer": 123, "payment_method": "tok_visa"}
    _, event = book(client)
    assert event == {"booked": {"id": BOOKED["id"], "state": "PENDING"}}
    book(client, seen_amount="9000", seen_currency="EUR")
    book(client, seen_amount="9000", seen_currency="EUR", accept="8000 EUR")
    assert booking.asked == [
        plain,
        {**plain, "seen": {"amount": 9000, "currency": "EUR"}},
        {**plain, "seen": {"amount": 8000, "currency": "EUR"}},
    ]


def test_another_price_is_told_with_a_button_that_accepts_it(client: Client, booking: Booking) -> None:
    changed = Problem(409, "The price has changed", "these seats cost", type="price-changed")
    changed.more = {"price": {"amount": 4500, "currency": "EUR"}}
    booking.answer = httpx.Response(409, content=changed.response().content)
    text, event = book(client)
    assert event == {"refused": {"status": 409}}
    assert "<b>The price has changed.</b> These seats cost €45.00 now" in text
    assert 'name="accept" value="4500 EUR">Book for €45.00</button>' in compact(text)


@pytest.mark.parametrize(
    "answer",
    [
        ServiceDown("booking", httpx.ReadTimeout("")),
        httpx.Response(504, json={"title": "x"}),
        httpx.Response(500, text="<h1>oops</h1>"),
        httpx.Response(502, content=b"\xff"),
    ],
)
def test_an_outcome_that_nobody_knows_is_told_as_one(client: Client, booking: Booking, answer: Any) -> None:
    booking.answer = answer
    text, event = book(client)
    assert event == {"unanswered": {}}
    assert "<b>No answer yet.</b> It is not known yet whether it was booked" in text


def test_an_injected_fault_is_told_in_words_and_its_id_is_a_title(client: Client, booking: Booking) -> None:
    detail = "the API of 'booking' is down on purpose (fault 27c0a8)"
    booking.answer = httpx.Response(
        503, json={"title": "Injected fault", "detail": detail}, headers={"X-Injected-Fault": "27c0a8"}
    )
    text, event = book(client)
    assert event == {"refused": {"status": 503}}
    assert 'title="fault 27c0a8"' in text
    assert "<b>Injected fault.</b> Booking&#x27;s API is down on purpose. Nothing was booked" in text
    assert text.count("27c0a8") == 1


@pytest.mark.parametrize(
    ("status", "title", "detail", "told"),
    [
        (
            422,
            "Past performance",
            "performance 'x' has begun",
            "<b>Past performance.</b> Performance &#x27;x&#x27; has begun",
        ),
        (
            503,
            "Injected fault",
            "down on purpose",
            "<b>Injected fault.</b> Down on purpose. Nothing was booked, and your",
        ),
        (
            429,
            "",
            "",
            "<b>Not booked.</b> Nothing was booked, and your seats are still selected: try again in a moment.",
        ),
        (413, "Content Too Large", "too large", "<b>Content Too Large.</b> Too large"),
    ],
)
def test_a_refusal_says_in_its_words_that_nothing_was_booked(
    client: Client, booking: Booking, status: int, title: str, detail: str, told: str
) -> None:
    booking.answer = httpx.Response(status, json={"title": title, "detail": detail})
    text, event = book(client)
    assert event == {"refused": {"status": status}}
    assert told in text


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("performance", "Choose a performance from the list."),
        ("seats/0", "Choose one to eight seats on the map."),
        ("customer", "Choose a customer from the list."),
        ("payment_method", "Choose how to pay from the list."),
        ("seen/amount", "The form is incomplete: load the page again."),
    ],
)
def test_a_field_that_is_none_is_told_as_what_to_do(client: Client, booking: Booking, field: str, told: str) -> None:
    errors = [{"in": "body", "pointer": f"#/{field}", "detail": "has to be text"}]
    booking.answer = httpx.Response(422, json={"title": "Invalid request", "detail": "x", "errors": errors})
    assert f"<b>Not booked.</b> {told}" in book(client)[0]


@pytest.mark.parametrize("customer", ["9" * 5000, "-1", "１２３", "12x", "", "9" * 19])
def test_what_is_no_number_is_handed_on_for_the_service_to_refuse(
    client: Client, booking: Booking, customer: str
) -> None:
    book(client, customer=customer)
    assert booking.asked[0]["customer"] == customer
    client.post(f"/bookings/{BOOKED['id']}/cancel", {"customer": customer})  # a service that is not there: no traceback


def test_a_key_that_no_header_can_carry_is_left_to_the_service_to_refuse(client: Client, booking: Booking) -> None:
    assert client.post("/book", FORM, headers={"Idempotency-Key": "ключ"}).status_code == 200
    assert booking.keys == [""]


def test_another_name_is_another_intention_and_the_same_one_is_not(client: Client, booking: Booking) -> None:
    client.defaults["HTTP_HOST"] = "localhost"  # names are the operator's to change, who is at this machine
    booking.answer = ServiceDown("booking", httpx.ReadTimeout(""))
    for name in ("Ana", "Ana", "Bea"):
        text = client.post("/customers/123/rename", {"name": name}, headers={"Idempotency-Key": "k"}).content.decode()
        assert "It is not known yet whether the customer has the new name" in text
        assert '"Idempotency-Key": "k"' in text, "the same key again, for the same name"
    first, again, other = booking.keys
    assert first == again != other


def test_a_refusal_names_the_field_as_a_person_would(client: Client, booking: Booking) -> None:
    client.defaults["HTTP_HOST"] = "localhost"  # this machine, where everybody is an operator
    errors = [{"in": "body", "pointer": "#/name", "detail": "has to be text"}]
    problem = {"title": "Invalid request", "detail": "body #/name: has to be text", "errors": errors}
    for answer, told in (
        (httpx.Response(422, json=problem), "<b>Not renamed.</b> Name: has to be text."),
        (httpx.Response(409, json={"title": "Changed meanwhile", "detail": "look"}), "<b>Changed meanwhile.</b> Look"),
        (httpx.Response(503, text="<h1>oops</h1>"), "<b>Not renamed.</b> The service answered 503"),
        (httpx.Response(504, json={"title": "x"}), "It is not known yet whether"),
    ):
        booking.answer = answer
        text = client.post("/customers/123/rename", {"name": "Ana"}, headers={"Idempotency-Key": "k"}).content.decode()
        assert told in text


@pytest.mark.parametrize("text", ["9" * 5000, "1e999", "nan", "-", "", "inf", "１２", "9" * 19])
def test_a_number_that_is_none_stays_text(text: str) -> None:
    assert whole(text) is None
    assert number_or_text(text) == text


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("-3", -3), ("0.5", 0.5), ("9" * 18, 10**18 - 1)])
def test_a_number_is_one(text: str, number: float) -> None:
    assert number_or_text(text) == number
