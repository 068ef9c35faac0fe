"""`manage.py lab measure`, as a person would type it."""

import json

import pytest

from lab.exhibits import COMPOSITION
from tests.lab.conftest import rig_of
from tests.live import Live

pytestmark = [pytest.mark.proof, pytest.mark.timeout(400)]


def test_it_opens_what_it_needs_fills_the_table_and_closes_again(live: Live) -> None:
    assert rig_of(live, COMPOSITION.rig)["state"] == "closed"
    done = live.command("lab", "measure", "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    found = {(one["way"], one["name"]) for one in json.loads(done.stdout)}
    assert found == {(way.name, column.name) for way in COMPOSITION.ways for column in COMPOSITION.columns}
    assert rig_of(live, COMPOSITION.rig)["state"] == "closed"
    assert 'class="unmeasured"' not in live.http.get("/lab").text
