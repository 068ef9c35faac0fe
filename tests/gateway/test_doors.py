"""What each answer of the front door says to caches, and what a refusal looks like to a person and to a program."""

import pytest
from django.test import Client

from gateway.clients import call
from serving.problems import Problem

pytestmark = pytest.mark.django_db(databases=["journal", "projections"])
PERSONAL = [
    "/bookings", "/customers", "/customers/123", "/tickets/none", "/console", "/operate", "/replay", "/sales",
    "/api/runs", "/api/nowhere", "/nowhere", "/api/faults/points", "/bookings/recent",
]  # fmt: skip


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost", raise_request_exception=False)


@pytest.mark.parametrize("path", PERSONAL)
def test_what_may_name_people_is_kept_by_no_cache(client: Client, path: str) -> None:
    assert client.get(path)["Cache-Control"] == "no-store"


def test_files_and_the_stage_are(client: Client) -> None:
    """The stage is what a browser goes back to, with the seats chosen there."""
    assert client.get("/?performance=%00")["Cache-Control"] == "private, no-cache"
    assert "no-store" not in client.get("/static/stage/stage.css")["Cache-Control"]


def test_a_page_that_is_too_old_says_so_in_our_words() -> None:
    answer = Client(HTTP_HOST="localhost", enforce_csrf_checks=True).post("/book", {"seats": "A-1"})
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "Load the page again" in text
    assert "Nothing was changed" in text
    assert "CSRF verification failed" not in text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/book", "POST"), ("GET", "/console/run", "POST"), ("POST", "/sales", "GET")],
)
def test_an_address_that_is_no_page_says_so_in_our_words(client: Client, method: str, path: str, allowed: str) -> None:
    answer = client.generic(method, path)
    assert (answer.status_code, answer["Allow"]) == (405, allowed)
    assert "The header lists the pages" in answer.content.decode()


@pytest.mark.parametrize("path", ["/", "/bookings", "/console", "/replay/nowhere"])
def test_an_address_with_a_zero_byte_is_refused_on_a_page(client: Client, path: str) -> None:
    answer = client.get(f"{path}?q=%00")
    assert answer.status_code == 400
    assert "zero byte" in answer.content.decode()


def test_a_request_that_cannot_be_read_is_refused_on_a_page(client: Client) -> None:
    answer = client.post("/book", b"--x\r\n\r\n", content_type="multipart/form-data; boundary=\xe9")
    assert answer.status_code == 400
    assert "The request cannot be read" in answer.content.decode()


@pytest.mark.parametrize("value", ["caf\xe9", "ключ", "a\nb", "\x00"])
def test_a_header_that_cannot_be_handed_on_is_a_refusal_and_no_mistake_of_ours(value: str) -> None:
    with pytest.raises(Problem, match="X-Odd header has characters that are not printable ASCII") as refused:
        call("booking", "POST", "/api/bookings", headers={"X-Odd": value})
    assert refused.value.status == 400
