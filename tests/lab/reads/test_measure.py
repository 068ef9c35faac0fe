"""`manage.py lab measure`, as a person would type it."""

import json

import pytest

from lab.exhibits import EXHIBITS
from tests.lab.conftest import rig_of
from tests.live import Live

pytestmark = [pytest.mark.proof, pytest.mark.timeout(400)]


def test_it_opens_what_it_needs_fills_the_table_and_closes_again(live: Live) -> None:
    rigs = {one.rig for one in EXHIBITS.values()}
    assert {rig_of(live, rig)["state"] for rig in rigs} == {"closed"}
    done = live.command("lab", "measure", "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    found = {(one["exhibit"], one["way"], one["name"]) for one in json.loads(done.stdout)}
    every = EXHIBITS.values()
    assert found == {(one.name, way.name, column.name) for one in every for way in one.ways for column in one.columns}
    assert {rig_of(live, rig)["state"] for rig in rigs} == {"closed"}
    assert 'class="unmeasured"' not in live.http.get("/lab").text
