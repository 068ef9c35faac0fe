"""Runs at the web, with no service running: what can be read is there, what changes runs says who does not answer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models.expressions import RawSQL
from django.test import Client

from journal.archive.importing import import_run
from journal.models import Run
from tests.journal.archive.samples import sample, text_of
from tests.journal.archive.world import counts, wipe

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
HERE: dict[str, Any] = {"HTTP_HOST": "localhost"}
AWAY: dict[str, Any] = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def run() -> Iterator[UUID]:
    """An imported one; nothing else has ever been here."""
    wipe()
    yield import_run([text_of(sample())])
    wipe()


def test_an_imported_run_is_there_with_everything_else_stopped(run: UUID) -> None:
    client = Client()
    assert [one["id"] for one in client.get("/api/runs").json()["runs"]] == [str(run)]
    assert client.get(f"/api/runs/{run}").json()["entries"] == 3
    page = client.get("/replay")
    assert page.status_code == 200
    assert f'href="/replay/{run}"' in page.content.decode()
    own = client.get(f"/replay/{run}").content.decode()
    assert "a run" in own
    assert "seats_thing" in own


def test_an_unknown_run_is_a_clear_message(run: UUID) -> None:
    unknown = uuid4()
    answer = Client().get(f"/api/runs/{unknown}")
    assert (answer.status_code, answer.json()["detail"]) == (404, f"there is no run {unknown}; /api/runs lists them")
    page = Client().get(f"/replay/{unknown}")
    assert page.status_code == 404
    assert f"There is no run {unknown} here" in page.content.decode()
    assert Client().get("/api/runs/15").status_code == 422


def changes(run: UUID, **more: Any) -> list[Any]:
    """Every way to change something."""
    client = Client(**more)
    body: dict[str, Any] = {"content_type": "application/json"}
    return [
        client.post("/api/runs", {}, **body),
        client.post("/api/runs/import", text_of(sample()), content_type="application/x-ndjson"),
        client.patch(f"/api/runs/{run}", {"name": "x"}, **body),
        client.delete(f"/api/runs/{run}"),
    ]


def test_what_changes_runs_is_api_journals_and_says_so_when_that_is_away(run: UUID) -> None:
    before = counts()
    answers = changes(run, **HERE)
    assert [answer.status_code for answer in answers] == [503] * 4
    assert {answer["Content-Type"] for answer in answers} == {"application/problem+json"}
    assert all("service 'journal' does not answer" in answer.json()["detail"] for answer in answers)
    said = Client(**HERE).post("/replay/start", {"name": "x"}).content.decode()
    assert "The journal&#x27;s process does not answer" in said
    assert counts() == before


def test_off_this_machine_only_operators_change_runs(run: UUID) -> None:
    assert [answer.status_code for answer in changes(run, **AWAY)] == [401] * 4
    for path in ("/replay/start", f"/replay/{run}/delete", f"/replay/{run}/rename", f"/replay/{run}/stop"):
        assert "Operators only" in Client(**AWAY).post(path, {"name": "x"}).content.decode()
    assert "Operators only" in Client(**AWAY).get("/replay").content.decode()
    assert Client(**AWAY).get(f"/api/runs/{run}").status_code == 200


@pytest.mark.parametrize("faults", [["x", 1, None], [{"action": {}}], {"a": 1}, [{"point": ["x"], "action": "crash"}]])
def test_a_run_that_an_older_version_let_in_takes_no_list_away(faults: Any) -> None:
    wipe()
    client = Client(**HERE)
    run = Run.objects.create(
        id=uuid4(), tape=7, name="hostile", faults=faults, started_pos=1, ended_pos=0, started_at=datetime.now(UTC),
        imported=True,
    )  # fmt: skip
    Run.objects.filter(pk=run.pk).update(started_at=RawSQL("%s::timestamptz", ["10000-01-01 13:59:59+00"]))
    for path in ("/replay", "/replay/runs", f"/replay/{run.pk}", "/api/runs", f"/api/runs/{run.pk}"):
        assert client.get(path).status_code in (200, 404), path
    assert "hostile" in client.get("/replay").content.decode()
