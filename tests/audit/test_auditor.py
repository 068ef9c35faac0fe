"""The auditor's own thread and those who look at its verdict: at once, or of a reading that begins from now on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import AsyncClient

from audit.running import serve
from audit.running.auditor import Auditor
from serving import own_api
from tests.waiting import wait_until

TOKEN = "of the house"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Readings:
    """Counts them; each waits until it `may_end`."""

    def __init__(self) -> None:
        self.of: list[bool] = []
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self, everything: bool) -> dict[str, Any]:
        self.of.append(everything)
        number = len(self.of)
        assert self.may_end.wait(10)
        return {"number": number, "invariants": []}


@contextmanager
def at_work(auditor: Auditor) -> Iterator[None]:
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            auditor.turn(stop.is_set)

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        auditor.wake()
        thread.join(10)
        assert not thread.is_alive()


def new(readings: Readings) -> Auditor:
    return Auditor(readings, lambda before, now: None)


def number_of(auditor: Auditor) -> int:
    published = auditor.latest()
    return published.document["number"] if published else 0


def test_who_asks_gets_a_reading_of_everything_that_began_later() -> None:
    readings = Readings()
    auditor = new(readings)
    readings.may_end.clear()
    with at_work(auditor):
        wait_until(lambda: len(readings.of) == 1, 10, "the first reading to begin")
        asked = auditor.ask()
        readings.may_end.set()
        wait_until(lambda: auditor.has_answered(asked), 10, "an answer")
        assert number_of(auditor) >= 2, "the reading under way had begun before"
    assert readings.of[1] is True


def test_many_who_ask_share_a_reading() -> None:
    readings = Readings()
    auditor = new(readings)
    auditor.turn()
    numbers = [auditor.ask() for _ in range(20)]
    auditor.turn()
    assert all(map(auditor.has_answered, numbers))
    assert len(readings.of) == 2


@pytest.fixture
def auditor(settings: Any) -> Auditor:
    """Its API is what the test's client asks; nothing has been read."""
    settings.OPERATOR_TOKEN = TOKEN
    settings.ROOT_URLCONF, settings.MIDDLEWARE = settings.ROOT_URLCONF, settings.MIDDLEWARE  # put back afterwards
    auditor = new(Readings())
    own_api.use(serve.build(auditor))
    return auditor


async def test_the_api_answers_before_the_first_reading_has_ended(auditor: Auditor, async_client: AsyncClient) -> None:
    answer = await async_client.get("/audit/verdict", headers=HEADERS)
    assert (answer.status_code, answer.json()) == (200, {"age_s": None, "verdict": None})


async def test_the_api_waits_for_a_reading_where_it_is_asked_for(auditor: Auditor, async_client: AsyncClient) -> None:
    auditor.turn()
    with at_work(auditor):
        answer = await async_client.get("/audit/verdict?now=1", headers=HEADERS)
    assert answer.json()["verdict"]["number"] >= 2
    assert answer.json()["age_s"] < 5


async def test_a_reading_that_takes_too_long_is_a_problem(
    auditor: Auditor, async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "ANSWER_S", 0.05)
    answer = await async_client.get("/audit/verdict?now=1", headers=HEADERS)
    assert (answer.status_code, answer.json()["title"]) == (503, "The auditor still reads")


async def test_nobody_without_the_house_s_token_is_answered(auditor: Auditor, async_client: AsyncClient) -> None:
    assert (await async_client.get("/audit/verdict")).status_code == 401
    assert (await async_client.get("/healthz")).status_code == 200
