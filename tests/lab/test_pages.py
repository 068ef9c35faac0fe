"""The lab's pages in front of a control process that is down, and of people who may not press anything. Nothing of it is open."""

import pytest
from django.test import Client
from pytest_django import Settings
from redis import Redis

from lab.exhibits import EXHIBITS
from lab.figures import keep
from tests.lab.test_figures import FIGURE

pytestmark = [
    pytest.mark.urls("dashboard.urls"),
    pytest.mark.django_db(databases=["journal", "projections"]),
    pytest.mark.usefixtures("redis"),
]
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def nobody_answers(settings: Settings) -> None:
    settings.OPERATOR_TOKEN = "secret"
    settings.ALLOWED_HOSTS = ["localhost", "sagabox.example"]
    settings.API_URLS = dict.fromkeys(settings.API_URLS, NOBODY)


@pytest.fixture
def here() -> Client:
    """A person at this machine."""
    return Client(REMOTE_ADDR="127.0.0.1", HTTP_HOST="localhost")


@pytest.mark.parametrize(
    "path", ["/lab", "/lab/composition", "/lab/composition/standing", "/lab/composition/price", "/lab/replicas"]
)
def test_pages_are_there_while_the_control_process_is_not(here: Client, path: str) -> None:
    answer = here.get(path)
    assert answer.status_code == 200
    assert "service &#x27;control&#x27; does not answer" in answer.content.decode()


@pytest.mark.parametrize("path", ["/lab/nothing", "/lab/nothing/standing", "/lab/nothing/price"])
def test_an_unknown_exhibit_is_a_page_in_words(here: Client, path: str) -> None:
    answer = here.get(path)
    assert answer.status_code == 404
    assert "there is no exhibit &#x27;nothing&#x27;; there is composition" in answer.content.decode()


def test_a_figure_is_shown_with_its_age_and_what_was_armed_and_the_others_can_be_measured(
    here: Client, redis: Redis
) -> None:
    keep(redis, FIGURE)
    shown = here.get("/lab").content.decode()
    assert "12.3 ms" in shown
    assert "under faults" in shown
    cells = sum(len(one.ways) * len(one.columns) for one in EXHIBITS.values())
    assert shown.count('class="unmeasured"') == cells - 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/lab/composition/rig/open"), ("post", "/lab/composition/rig/close"), ("post", "/lab/composition/measure"),
        ("post", "/lab/measure"), ("post", "/lab/composition/ask"), ("post", "/lab/composition/outage"),
        ("post", "/lab/replicas/ask"), ("post", "/lab/replicas/rename"), ("post", "/lab/replicas/switch"),
        ("post", "/lab/replicas/hand-over"), ("post", "/lab/replicas/write"), ("post", "/lab/replicas/rebuild"),
        ("get", "/api/lab/replicas"), ("get", "/api/lab/replicas/door-list"), ("post", "/api/lab/replicas/rename"),
        ("post", "/api/lab/replicas/customers/rebuild"), ("post", "/lab/composition/draw"), ("get", "/lab/composition/subject"),
        ("get", "/lab/net/composed?viewer=door"),
        ("get", "/lab/net/customer?viewer=support&id=123"), ("get", "/api/lab/composition?how=batch"),
        ("post", "/api/lab/composition/bookings"), ("post", "/api/lab/rigs/reads/open"), ("post", "/api/lab/measurement"),
    ],
)  # fmt: skip
def test_from_elsewhere_only_an_operator_presses_anything(method: str, path: str) -> None:
    stranger = Client(REMOTE_ADDR="192.0.2.7", HTTP_HOST="sagabox.example")
    assert getattr(stranger, method)(path).status_code == 401


def test_from_elsewhere_the_page_has_no_buttons_but_a_place_to_sign_in() -> None:
    stranger = Client(REMOTE_ADDR="192.0.2.7", HTTP_HOST="sagabox.example")
    shown = stranger.get("/lab/composition").content.decode()
    assert 'hx-post="/rail/operator"' in shown
    assert 'id="rig-begin"' not in shown
    assert 'id="measure"' not in shown


@pytest.mark.parametrize(
    ("path", "form", "says"),
    [
        ("/lab/replicas/switch", {"name": "lab_replicas_pause", "on": "2"}, "switch"),
        ("/lab/replicas/switch", {"name": "x", "on": "1"}, "fault of this page"),
        ("/lab/replicas/hand-over", {"check": "maybe", "holder": "known"}, "check"),
        ("/lab/replicas/hand-over", {"check": "api", "holder": "7"}, "customer"),
    ],
)
def test_what_no_button_sends_is_refused_in_words(here: Client, path: str, form: dict[str, str], says: str) -> None:
    answer = here.post(path, form)
    assert answer.status_code == 422
    assert f"No such {says}" in answer.content.decode()


def test_with_ticket_down_the_copies_say_that_their_age_is_not_known(here: Client) -> None:
    assert "It is not known how old the copies are" in here.get("/lab/replicas/copies").content.decode()
    for button in ("ask", "rename", "write", "rebuild"):
        assert "service &#x27;tickets&#x27; does not answer" in here.post(f"/lab/replicas/{button}").content.decode()


@pytest.mark.parametrize("path", ["/lab/composition/rig/explode"])
def test_an_unknown_action_is_refused(here: Client, path: str) -> None:
    assert here.post(path).status_code == 404


def test_while_the_control_process_is_down_nothing_is_started_and_that_is_said(here: Client) -> None:
    said = here.post("/lab/composition/rig/open").content.decode()
    assert "service &#x27;control&#x27; does not answer" in said
    assert here.post("/lab/composition/measure").status_code == 200
