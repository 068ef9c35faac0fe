"""The control process's API: for whoever shows the operator token."""

import json

import pytest
from django.conf import LazySettings
from ninja.testing import TestClient

from faults import Action, Fault, Point, dump
from sandbox.control.api import build
from sandbox.control.keeper import Keeper


@pytest.fixture
def client(keeper: Keeper, settings: LazySettings) -> TestClient:
    settings.OPERATOR_TOKEN = "secret"
    return TestClient(build(keeper), headers={"Authorization": "Bearer secret"})


def test_nobody_else_may_ask(client: TestClient) -> None:
    assert client.get("/control/faults", headers={"Authorization": "Bearer guess"}).status_code == 401


def test_arm_list_clear(client: TestClient) -> None:
    fault = Fault(point=Point.TRANSACTION_INSIDE, action=Action.CRASH, service="seats")
    assert client.post("/control/faults", data=dump(fault)).status_code == 200
    assert [one["id"] for one in client.get("/control/faults").json()["faults"]] == [fault.id]
    assert client.delete(f"/control/faults/{fault.id}?who=ana").json()["state"] == "cleared"
    assert client.delete("/control/faults").json() == {"cleared": 0}
    assert client.post(f"/control/faults/{fault.id}/go-on").status_code == 404


def test_what_cannot_be_read_is_refused(client: TestClient) -> None:
    assert client.post("/control/faults", data="[]").status_code == 400
    assert client.post("/control/faults", data='{"point": "answer", "action": "crash"}').status_code == 422


def test_mechanisms(client: TestClient) -> None:
    assert client.put("/control/mechanisms", data=json.dumps({"barrier": False})).json()["barrier"] is False
    assert client.get("/control/mechanisms").json()["barrier"] is False
    assert client.put("/control/mechanisms", data=json.dumps({"barrier": True})).json()["barrier"] is True
