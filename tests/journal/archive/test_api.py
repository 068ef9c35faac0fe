"""/api/runs of the process api-journal: who may, what it says, and how little memory a large file costs it."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import AsyncClient, Client

from journal.models import Run
from tests.journal.archive.samples import sample, text_of
from tests.journal.archive.world import begin, counts, record, wipe

pytestmark = [
    pytest.mark.django_db(databases=["journal"], transaction=True),
    pytest.mark.urls("tests.journal.urls"),
]


@pytest.fixture(autouse=True)
def journal() -> Iterator[None]:
    wipe()
    begin()
    yield
    wipe()


@pytest.fixture
def client() -> Client:
    return Client(headers={"authorization": f"Bearer {settings.OPERATOR_TOKEN}"})


def start(client: Client, **body: Any) -> Any:
    return client.post("/api/runs", body, content_type="application/json")


def take_in(client: Client, text: bytes, id: uuid.UUID | None = None) -> Any:
    query = f"?id={id}" if id else ""
    return client.post(f"/api/runs/import{query}", text, content_type="application/x-ndjson")


def exported(id: str) -> Any:
    async def ask() -> Any:
        answer: Any = await AsyncClient().get(f"/api/runs/{id}/export")
        if not answer.streaming:
            return answer, answer.content
        return answer, b"".join([chunk async for chunk in answer.streaming_content])

    return asyncio.run(ask())


def test_a_run_begins_ends_the_one_before_and_gets_a_name(client: Client) -> None:
    armed, spent = {"id": "1", "state": "armed"}, {"id": "2", "state": "exhausted"}
    first = start(client, name=" first ", seed="7").json()
    record(1, 2)
    answer = start(client, faults=[armed, spent])
    assert answer.status_code == 201
    second = answer.json()
    assert second["name"].startswith("run of 20"), "one that nobody has named is named by its day"
    runs = client.get("/api/runs").json()["runs"]
    assert [(run["id"], run["open"], run["entries"]) for run in runs] == [
        (second["id"], True, 0),
        (first["id"], False, 6),
    ]
    assert (runs[1]["name"], runs[1]["seed"], runs[1]["faults"], runs[0]["faults"]) == (
        "first", "7", [armed, spent], [armed],
    )  # fmt: skip
    url = f"/api/runs/{first['id']}"
    assert client.patch(url, {"name": "better"}, content_type="application/json").json()["name"] == "better"
    assert client.get(url).json()["name"] == "better"


def test_out_and_in_again_with_its_progress(client: Client) -> None:
    run = start(client, name="mine").json()["id"]
    record(1, 3)
    answer, file = exported(run)
    assert answer["Content-Disposition"] == f'attachment; filename="run-{run}.sagabox.jsonl"'
    assert answer["Content-Type"] == "application/x-ndjson"
    id = uuid.uuid4()
    taken = take_in(client, file, id)
    assert taken.status_code == 201, taken.content
    assert (taken.json()["imported"], taken.json()["entries"]) == (True, 9)
    told = client.get(f"/api/runs/imports/{id}").json()
    assert told["run"] == taken.json()["id"]
    assert {name: told[name] for name in ("state", "received", "of", "entries", "indexed", "share")} == {
        "state": "done", "received": len(file), "of": len(file), "entries": 9, "indexed": 9, "share": 1.0,
    }  # fmt: skip
    assert exported(taken.json()["id"])[1] == file
    again = take_in(client, file)
    assert (again.status_code, again["Location"]) == (409, f"/api/runs/{taken.json()['id']}")
    assert client.delete(f"/api/runs/{taken.json()['id']}").status_code == 200
    assert Run.objects.count() == 1


def test_what_is_refused_says_why_and_writes_nothing(client: Client) -> None:
    run = start(client).json()["id"]
    before = counts()
    id = uuid.uuid4()
    bad = take_in(client, text_of(sample())[:-20], id)
    assert (bad.status_code, bad["Content-Type"]) == (422, "application/problem+json")
    assert bad.json()["detail"].startswith("line 6: it is cut off in the middle; an export ends with")
    told = client.get(f"/api/runs/imports/{id}").json()
    assert (told["state"], told["detail"]) == ("refused", bad.json()["detail"])
    unknown = uuid.uuid4()
    for answer, status, detail in (
        (take_in(client, b""), 422, "line 1: the file is empty"),
        (client.get(f"/api/runs/{unknown}"), 404, f"there is no run {unknown}"),
        (client.delete(f"/api/runs/{unknown}"), 404, "there is no run"),
        (client.delete(f"/api/runs/{run}"), 409, "only imports go"),
        (client.get(f"/api/runs/imports/{unknown}"), 404, "one that was interrupted left nothing"),
        (client.get("/api/runs/15"), 422, "id"),
        (start(client, name="x" * 201), 422, "at most 200"),
        (start(client, name="a\nb"), 422, "is a control character"),
        (start(client, colour="red"), 422, "colour"),
        (
            client.patch(f"/api/runs/{run}", {"name": " "}, content_type="application/json"),
            422,
            "at least one character",
        ),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert detail in json.dumps(answer.json())
    assert exported(str(unknown))[0].status_code == 404
    assert counts() == before


def test_changing_anything_needs_the_operator_token(client: Client) -> None:
    run = start(client).json()["id"]
    before = counts()
    stranger = Client()
    answers = [
        start(stranger),
        take_in(stranger, text_of(sample())),
        stranger.patch(f"/api/runs/{run}", {"name": "x"}, content_type="application/json"),
        stranger.delete(f"/api/runs/{run}"),
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert counts() == before
    assert stranger.get("/api/runs").status_code == 200
