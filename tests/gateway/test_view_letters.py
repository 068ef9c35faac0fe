"""The events that projectors left out, as the operator's page and API have them: seen, edited, applied again, given up."""

import html
import json
import os
import re
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from redis import Redis

from messaging.events.skipped import SkippedEvents
from messaging.typed_text import isolated
from projections.models import DeadLetter
from projections.views import VIEWS, program_of
from sandbox.testing import url_of
from serving.problems import MEDIA_TYPE
from tests.dashboard.markup import compact

pytestmark = [
    pytest.mark.urls("dashboard.urls"),
    pytest.mark.django_db(databases=["projections", "journal"], transaction=True),
]
OPERATOR_ACTION = {"who": "Ines", "why": "the table is back"}
EVENT = {"id": str(uuid.uuid4()), "source": "/booking", "type": "BookingPlaced", "kind": "event", "data": {"id": "x"}}


@pytest.fixture
def letter(redis: Redis, client: Client) -> str:
    client.defaults["HTTP_HOST"] = "localhost"
    SkippedEvents(DeadLetter, program_of(VIEWS["bookings"])).record(EVENT, "/booking", ValueError("no uuid"))
    return str(DeadLetter.objects.get().pk)


def act(client: Client, letter: str, verb: str, **more: Any) -> Any:
    path = f"/api/projections/dead-letters/{letter}/{verb}"
    return client.post(path, json.dumps({**OPERATOR_ACTION, **more}), content_type="application/json")


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


# Many, as at every service


URL = "/api/projections/dead-letters"


def fill(number: int, state: str = "dead") -> list[str]:
    """So many letters, three at each moment, the first the newest."""
    now, ids = timezone.now(), [uuid.uuid4() for _ in range(number)]
    attempts = [{"at": now.isoformat(), "error": "x"}]
    DeadLetter.objects.bulk_create(
        DeadLetter(
            id=one, type="BookingPlaced", booking_id=f"b{place}", envelope={**EVENT, "id": str(one)}, state=state,
            attempts=attempts, updated_at=now - timedelta(seconds=place // 3),
        )
        for place, one in enumerate(ids)
    )  # fmt: skip
    return [str(one) for one in ids]


def settle(client: Client, verb: str, **more: Any) -> Any:
    return client.post(f"{URL}/{verb}", json.dumps({**OPERATOR_ACTION, **more}), content_type="application/json")


@pytest.fixture
def operator(client: Client, redis: Redis) -> Client:
    client.defaults["HTTP_HOST"] = "localhost"
    return client


@pytest.mark.parametrize("settled", [False, True])
def test_every_letter_is_reached_page_by_page(operator: Client, settled: bool) -> None:
    ids = fill(271, "discarded" if settled else "dead")
    url, seen, sizes = f"{URL}?limit=100&type=BookingPlaced{'&settled=true' if settled else ''}", [], []
    while url:
        answer = operator.get(url)
        assert (answer.status_code, answer["X-Total-Count"]) == (200, "271")
        seen += [one["id"] for one in answer.json()]
        sizes.append(len(answer.json()))
        url = answer.get("Link", "").partition(">")[0].removeprefix("<")
    assert sizes == [100, 100, 71]
    assert sorted(seen) == sorted(ids)
    assert len(operator.get(URL).json()) == (0 if settled else 200)


def test_the_page_says_how_many_there_are_and_leads_to_all_of_them(operator: Client) -> None:
    ids, url, seen = fill(121), "/operate", set()
    text = compact(operator.get(url).content.decode())
    assert "<b>Views: 121 open letters</b>, 50 shown here" in text
    assert "Discard all 121" in text
    assert "121 open · " in text
    while url:
        text = operator.get(url).content.decode()
        seen |= set(re.findall(r'id="letter-([-0-9a-f]{36})"', text))
        url = html.unescape("".join(re.findall(r'<a href="(/operate\?[^"]*)">Older letters to Views', text)))
    assert seen == set(ids)


BAD_PAGES = [
    "after=x", "after=2030-01-01,7", f"after=2030-01-01T00:00:00,{uuid.uuid4()}", "limit=0", "limit=-5", "limit=201",
    "state=lost", "type=%00", f"type={'x' * 201}",
]  # fmt: skip


@pytest.mark.parametrize("query", BAD_PAGES)
def test_a_bad_page_is_refused(operator: Client, query: str) -> None:
    fill(3)
    answer = operator.get(f"{URL}?{query}")
    assert answer.status_code in (400, 422)  # NUL is refused at the door, whatever it is meant for
    assert answer["Content-Type"] == MEDIA_TYPE
    assert "String should" not in answer.json()["detail"]


def test_all_are_given_up_at_once_but_for_what_came_later(operator: Client) -> None:
    fill(271)
    until = operator.get(URL).json()[0]["updated_at"]
    SkippedEvents(DeadLetter, program_of(VIEWS["bookings"])).record(EVENT, "/booking", ValueError("no uuid"))
    DeadLetter.objects.filter(envelope__id=EVENT["id"]).update(updated_at=timezone.now() + timedelta(seconds=5))
    first = settle(operator, "discard", which={}, until=until).json()
    assert (first["done"], first["refused"], first["left"]) == (200, [], 71)
    assert settle(operator, "discard", which={}, until=until, after=first["next"]).json()["done"] == 71
    assert DeadLetter.objects.exclude(state="discarded").get().envelope["id"] == EVENT["id"]


BAD = [
    {}, {"ids": []}, {"ids": [7]}, {"ids": [str(uuid.uuid4())], "which": {}}, {"which": {"color": "red"}},
    {"which": {}, "until": "yesterday"}, {"which": {}, "after": "x"}, {"which": {}, "who": ""},
]  # fmt: skip


@pytest.mark.parametrize("body", BAD)
def test_a_bad_decision_on_many_settles_nothing(operator: Client, body: dict[str, Any]) -> None:
    fill(2)
    answer = settle(operator, "discard", **body)
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    assert set(DeadLetter.objects.values_list("state", flat=True)) == {"dead"}


@pytest.mark.parametrize("data", [None, 7, {"id": "a\0b"}, {"id": "\ud800"}, {"n": 10**400}])
def test_data_that_cannot_be_kept_are_refused_and_the_letter_stays(operator: Client, letter: str, data: Any) -> None:
    """The views are there: what is wrong is what the person typed."""
    answer = act(operator, letter, "edit-and-retry", **({} if data is None else {"data": data}))
    assert (answer.status_code, answer["Content-Type"]) == (422, MEDIA_TYPE)
    assert DeadLetter.objects.get().envelope["data"] == EVENT["data"]
