"""The events that projectors left out, as the operator's page and API have them: seen, edited, applied again, given up."""

import json
import os
import uuid
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client
from redis import Redis

from messaging.skipped import SkippedEvents
from messaging.typed_text import isolated
from projections.models import DeadLetter
from projections.views import VIEWS
from sandbox.testing import url_of

pytestmark = [
    pytest.mark.urls("dashboard.urls"),
    pytest.mark.django_db(databases=["projections", "journal"], transaction=True),
]
HAND = {"who": "Ines", "why": "the table is back"}
EVENT = {"id": str(uuid.uuid4()), "source": "/booking", "type": "BookingPlaced", "kind": "event", "data": {"id": "x"}}


@pytest.fixture
def letter(redis: Redis, client: Client) -> str:
    client.defaults["HTTP_HOST"] = "localhost"
    SkippedEvents(DeadLetter, VIEWS["bookings"].program).record(EVENT, "/booking", ValueError("no uuid"))
    return str(DeadLetter.objects.get().pk)


def act(client: Client, letter: str, verb: str, **more: Any) -> Any:
    path = f"/api/projections/dead-letters/{letter}/{verb}"
    return client.post(path, json.dumps({**HAND, **more}), content_type="application/json")


def test_a_person_sees_what_was_left_out(client: Client, letter: str) -> None:
    (found,) = client.get("/api/projections/dead-letters").json()
    assert (found["id"], found["type"], found["state"]) == (letter, "BookingPlaced", "dead")
    assert found["attempts"][0]["error"] == "/booking: ValueError('no uuid')"
    page = client.get("/operate").content.decode()
    assert "BookingPlaced" in page
    assert "Views" in page


def test_a_person_decides(client: Client, letter: str, redis: Redis) -> None:
    assert act(client, letter, "retry").json()["state"] == "retried"
    ((told, event),) = SkippedEvents(DeadLetter, "projector-bookings").due()
    assert (told, event["id"], event["data"]) == (letter, EVENT["id"], EVENT["data"])
    assert not SkippedEvents(DeadLetter, "projector-sales").due()
    assert act(client, letter, "edit-and-retry", data={"id": "y"}).json()["envelope"]["data"] == {"id": "y"}
    assert act(client, letter, "discard").json()["reason"] == f"{isolated('Ines')}: {isolated('the table is back')}"
    answer = act(client, letter, "retry")
    assert (answer.status_code, answer.json()["title"]) == (409, "Already settled")
    assert client.get("/api/projections/dead-letters").json() == []
    assert redis.xlen("observations") == 3


def test_what_cannot_be_decided_is_refused(client: Client, letter: str) -> None:
    assert act(client, str(uuid.uuid4()), "retry").status_code == 404
    assert act(client, letter, "retry", who=" ").status_code == 422
    assert DeadLetter.objects.get().state == "dead"


def test_the_webs_role_may_settle_a_letter_and_nobody_else_may(letter: str) -> None:
    database = connections["projections"].settings_dict["NAME"]
    settle = "select state from projections_settle_letter(%s, 'discarded', 'a test', null)"
    with (
        psycopg.connect(url_of(os.environ, "projections", "projections_console", database)) as console,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        console.execute(settle, [letter])
    with psycopg.connect(url_of(os.environ, "projections", "web", database)) as web:
        assert web.execute(settle, [letter]).fetchall() == [("discarded",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("update projections_deadletter set state = 'dead'")
