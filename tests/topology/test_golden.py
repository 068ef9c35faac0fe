"""The plan of the house is what it was: each part against a file of its own in `golden/`.

A change that is meant is written down with

    WRITE_GOLDEN=1 .venv/bin/python -m pytest tests/topology/test_golden.py

and read in the difference of those files, which are YAML.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connections

from control.setup.provision import provision
from tests.topology import readings
from topology.processes import ALIASES

GOLDEN = Path(__file__).parent / "golden"
DROPPED = ("HOLD_SECONDS", "VISITOR_RUN_S", "LETTER_RETRY_S", "LETTER_LONGEST_RETRY_S", "JOURNAL_KEEP_ENTRIES",
           "JOURNAL_KEEP_BYTES", "FORWARDED_ALLOW_IPS", "AUDIT_EVERY_S", "RIG_IDLE_S")  # fmt: skip
"""What a person may set; a test run may have been given other values."""


class Plain(yaml.SafeDumper):
    """No anchors: a line of the file is a fact, wherever the same one stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def written(found: Any) -> str:
    return yaml.dump(found, Dumper=Plain, sort_keys=False, width=120, default_flow_style=None, allow_unicode=True)


def hold(name: str, found: Any) -> None:
    """Compare with the golden file, line by line; or write it."""
    path = GOLDEN / f"{name}.yaml"
    text = written(found)
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text)
        pytest.skip(f"{path} is written")
    assert text.splitlines() == path.read_text().splitlines()


def test_the_processes() -> None:
    hold("processes", readings.processes())


def test_the_environment_of_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DROPPED:
        monkeypatch.delenv(name, raising=False)
    hold("environments", readings.environments())


def test_the_ports() -> None:
    hold("ports", readings.ports())


def test_the_containers() -> None:
    hold("compose", readings.compose())


def test_roles_databases_and_grants(servers: Mapping[str, str]) -> None:
    """With the one right that a test run adds: owners may create databases."""
    provision(servers, create_databases=True)
    hold("roles", readings.roles(servers))


@pytest.mark.django_db(databases=ALIASES)
def test_publications_and_slots(servers: Mapping[str, str]) -> None:
    databases = {alias: str(connections[alias].settings_dict["NAME"]) for alias in ALIASES}
    hold("publications", readings.publications(servers, databases))
