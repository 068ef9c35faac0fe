"""The control process's API: for whoever shows the operator token."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ninja.testing import TestClient
from pytest_django import Settings

from faults import Action, Fault, Point, dump
from sandbox.control.api import build
from sandbox.control.keeper import Keeper
from sandbox.control.matrix import Matrix
from tests.waiting import wait_until


class Client:
    """Sends a body as it stands, which the front door does too."""

    def __init__(self, keeper: Keeper, matrix: Matrix) -> None:
        self._client = TestClient(build(keeper, matrix))

    def __call__(self, method: str, path: str, body: str = "", token: str = "secret") -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return self._client.request(method, f"/control{path}", headers=headers, body=body.encode())


@pytest.fixture
def ask(keeper: Keeper, settings: Settings, tmp_path: Path) -> Iterator[Client]:
    settings.OPERATOR_TOKEN = "secret"
    matrix = Matrix(tmp_path, "http://127.0.0.1:1")  # where nobody listens
    yield Client(keeper, matrix)
    matrix.rest()


def test_nobody_else_may_ask(ask: Client) -> None:
    assert ask("GET", "/faults", token="guess").status_code == 401


def test_no_token_no_operators(ask: Client, settings: Settings) -> None:
    settings.OPERATOR_TOKEN = ""
    assert ask("GET", "/faults", token="").status_code == 401


def test_arm_list_clear(ask: Client) -> None:
    fault = Fault(point=Point.TRANSACTION_INSIDE, action=Action.CRASH, service="seats")
    assert ask("POST", "/faults", dump(fault)).status_code == 200
    assert [one["id"] for one in ask("GET", "/faults").json()["faults"]] == [fault.id]
    assert ask("DELETE", f"/faults/{fault.id}?who=ana").json()["state"] == "cleared"
    assert ask("DELETE", "/faults").json() == {"cleared": 0}
    assert ask("POST", f"/faults/{fault.id}/go-on").status_code == 404


def test_what_cannot_be_read_is_refused(ask: Client) -> None:
    assert ask("POST", "/faults", "[]").status_code == 400
    assert ask("POST", "/faults", '{"point": "answer", "action": "crash"}').status_code == 422


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
