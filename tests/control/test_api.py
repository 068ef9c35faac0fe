"""The control process's API: for whoever shows the operator token."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ninja.testing import TestClient
from pytest_django import Settings
from redis import Redis

from control.api import build
from control.children import Matrix, Trial
from control.keeper import Keeper
from control.on_demand.measurement import Measurement
from control.on_demand.rigs import Rigs
from control.on_demand.starter import Starter
from control.state import Record, State, Store
from faults import LIMIT, Action, Fault, Point, dump
from messaging.process.redis import redis_client
from tests.waiting import wait_until


class Client:
    """Sends a body as it stands, which the front door does too."""

    def __init__(self, keeper: Keeper, matrix: Matrix, trial: Trial, measurement: Measurement) -> None:
        starter = Starter(redis_client(), {}, lambda text: None)
        rigs = Rigs(starter, {}, lambda: measurement.running)
        self._client = TestClient(build(keeper, matrix, trial, starter, rigs, measurement))

    def __call__(self, method: str, path: str, body: str = "", token: str = "secret") -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return self._client.request(method, f"/control{path}", headers=headers, body=body.encode())


@pytest.fixture
def new_client(settings: Settings, tmp_path: Path) -> Iterator[Callable[[Keeper], Client]]:
    settings.OPERATOR_TOKEN = "secret"
    nobody = "http://127.0.0.1:1"  # where nobody listens
    matrix, trial = Matrix(tmp_path, nobody), Trial(tmp_path, nobody)
    yield lambda keeper: Client(keeper, matrix, trial, Measurement(tmp_path, nobody))
    matrix.rest()
    trial.rest()


@pytest.fixture
def ask(keeper: Keeper, new_client: Callable[[Keeper], Client]) -> Client:
    return new_client(keeper)


def test_nobody_else_may_ask(ask: Client) -> None:
    assert ask("GET", "/faults", token="guess").status_code == 401


def test_no_token_no_operators(ask: Client, settings: Settings) -> None:
    settings.OPERATOR_TOKEN = ""
    assert ask("GET", "/faults", token="").status_code == 401


def test_an_outage_of_a_database_that_is_stopped_is_a_conflict(
    redis: Redis, tmp_path: Path, new_client: Callable[[Keeper], Client]
) -> None:
    ask = new_client(Keeper(redis, Store(tmp_path / "stopped"), os.environ, works=lambda instance: False))
    answer = ask("POST", "/faults", dump(Fault(point=Point.DATABASE, action=Action.DOWN, service="tickets")))
    assert (answer.status_code, answer.json()["title"]) == (409, "Nothing to take down")
    assert "start tickets first" in answer.json()["detail"]


def test_arm_list_clear(ask: Client) -> None:
    fault = Fault(point=Point.TRANSACTION_INSIDE, action=Action.CRASH, service="seats")
    assert ask("POST", "/faults", dump(fault)).status_code == 200
    assert [one["id"] for one in ask("GET", "/faults").json()["faults"]] == [fault.id]
    assert ask("DELETE", f"/faults/{fault.id}?who=ana").json()["state"] == "cleared"
    assert ask("DELETE", "/faults").json() == {"cleared": 0}
    assert ask("POST", f"/faults/{fault.id}/resume").status_code == 404


def test_what_cannot_be_read_is_refused(ask: Client) -> None:
    assert ask("POST", "/faults", "[]").status_code == 400
    assert ask("POST", "/faults", '{"point": "answer", "action": "crash"}').status_code == 422


def test_a_thousand_and_no_more(redis: Redis, tmp_path: Path, new_client: Callable[[Keeper], Client]) -> None:
    """All but the last are in the file, as they are after a restart: to arm them one by one takes minutes."""
    fault = Fault(point=Point.TRANSACTION_INSIDE, action=Action.CRASH, service="seats")
    armed = [replace(fault, id=f"{number:032x}") for number in range(LIMIT - 1)]
    store = Store(tmp_path / "full")
    store.save(State(records={one.id: Record(one) for one in armed}))
    ask = new_client(Keeper(redis, store, os.environ))
    assert ask("POST", "/faults", dump(replace(fault, id="f" * 32))).status_code == 200
    assert len(ask("GET", "/faults").json()["faults"]) == redis.hlen("faults") == LIMIT
    refused = ask("POST", "/faults", dump(fault))
    assert (refused.status_code, refused.json()["title"]) == (422, "No such fault")
    assert refused.json()["detail"] == "1000 faults are armed already; clear some first"
    assert redis.hlen("faults") == LIMIT, "nothing was written"
    ask("DELETE", f"/faults/{armed[500].id}")
    assert ask("POST", "/faults", dump(fault)).status_code == 200
    assert ask("DELETE", "/faults").json() == {"cleared": LIMIT}


def test_mechanisms(ask: Client) -> None:
    assert ask("PUT", "/mechanisms", json.dumps({"barrier": False})).json()["barrier"] is False
    assert ask("GET", "/mechanisms").json()["barrier"] is False
    assert ask("PUT", "/mechanisms", json.dumps({"barrier": True})).json()["barrier"] is True


def test_one_matrix_at_a_time_and_it_says_why_it_could_not_run(ask: Client) -> None:
    assert ask("GET", "/matrix").json() == {"running": False, "error": "", "result": None}
    assert ask("POST", "/matrix?sample=true").json()["running"]
    assert ask("POST", "/matrix").status_code == 409
    wait_until(lambda: not ask("GET", "/matrix").json()["running"], 60, "the matrix to give up")
    assert "not every part of the sandbox is ready" in ask("GET", "/matrix").json()["error"]


def test_one_trial_at_a_time_and_of_a_mechanism_that_there_is(ask: Client) -> None:
    assert ask("POST", "/trial/luck").status_code == 422
    assert ask("GET", "/trial").json() == {"running": False, "error": "", "result": None, "mechanism": ""}
    assert ask("POST", "/trial/barrier").json()["running"]
    assert ask("POST", "/trial/barrier").status_code == 409
    wait_until(lambda: not ask("GET", "/trial").json()["running"], 60, "the trial to give up")
    assert "not every part of the sandbox is ready" in ask("GET", "/trial").json()["error"]
