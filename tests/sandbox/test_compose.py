"""docker-compose.yml runs what the sandbox runs, given what the sandbox gives, and tells no secrets."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from control.health import CONTAINER_PORT
from sandbox.data.secret_store import NAMES
from tests.topology.on_demand.house import HOUSE as WITH_RARE
from topology.processes import BACKEND_KB, DJANGO, HOUSE, INIT, POSTGRES_SETTINGS, PROCESSES, SUPERVISED, Process, Tier

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
OURS: dict[str, Any] = yaml.safe_load(TEXT)["services"]
MADE_UP: dict[str, Any] = yaml.safe_load((ROOT / "tests/topology/vouchers/compose.yml").read_text())["services"]
"""Of a house with a service on demand that has an instance of its own."""
SERVICES = OURS | MADE_UP
RARE = [
    process for process in (*WITH_RARE.programs, *WITH_RARE.inits) if process.on_demand and process.name not in OURS
]
RUNNING = [*PROCESSES, *(process for process in RARE if not process.ends)]
INITS = [INIT, *WITH_RARE.inits]
each_django = pytest.mark.parametrize(
    "process",
    [*DJANGO, *INITS, *(one for one in RARE if one.service and not one.ends)],
    ids=lambda process: process.name,
)
each = pytest.mark.parametrize("name", [process.name for process in RUNNING])


def test_the_services_are_the_processes_and_init() -> None:
    assert set(OURS) == {process.name for process in SUPERVISED} | {"init"}
    assert set(MADE_UP) == {process.name for process in RARE}


def test_what_is_on_demand_runs_with_its_service_s_profile_and_everything_else_without_one() -> None:
    assert {name for name, service in OURS.items() if "profiles" in service} == {
        process.name for process in SUPERVISED if process.on_demand
    }
    for process in SUPERVISED:
        assert OURS[process.name].get("profiles", []) == (list(HOUSE.profiles(process)) if process.on_demand else [])
    for process in RARE:
        instance = f"postgres-{process.name.removeprefix('init-')}"
        served = WITH_RARE.profiles(WITH_RARE.program(instance) if process.ends else process)
        assert SERVICES[process.name]["profiles"] == list(served)
        if not process.ends and process.service:
            own = f"init-{WITH_RARE.instance_of[process.service]}"
            assert SERVICES[process.name]["depends_on"][own] == {"condition": "service_completed_successfully"}


def test_control_is_told_the_profiles_and_that_nobody_starts_programs_for_it() -> None:
    environment = SERVICES["control"]["environment"]
    assert (environment["SUPERVISION"], environment["COMPOSE_PROFILES"]) == ("", "${COMPOSE_PROFILES:-}")


@each_django
def test_the_command_is_the_same(process: Process) -> None:
    assert SERVICES[process.name]["command"] == process.command(host="0.0.0.0", port=CONTAINER_PORT)  # noqa: S104


@each_django
def test_what_yields_has_a_tenth_of_the_weight_and_nothing_else(process: Process) -> None:
    """Each container has a share of its own, so `nice` as in the sandbox would have no effect there."""
    assert SERVICES[process.name].get("cpu_shares", 1024) == (102 if process.yields else 1024)


@each_django
def test_the_environment_has_the_same_keys_and_the_same_service(process: Process) -> None:
    environment = SERVICES[process.name]["environment"]
    assert set(environment) == set(process.keys)
    assert environment["SERVICE"] == process.service


@pytest.mark.parametrize("process", DJANGO, ids=lambda process: process.name)
def test_a_process_comes_after_the_set_up_and_comes_back_when_it_dies(process: Process) -> None:
    service = SERVICES[process.name]
    assert service["depends_on"]["init"] == {"condition": "service_completed_successfully"}
    assert service["restart"] == "unless-stopped"


@each
def test_each_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]["test"]
    if name.startswith("postgres-"):
        assert "pg_isready" in check
    elif name != "redis":
        assert check == ["CMD", "python", "-m", "control.health", name]


def test_each_postgres_is_set_as_in_the_sandbox() -> None:
    for process in RUNNING:
        if process.tier is Tier.POSTGRES:
            command = SERVICES[process.name]["command"]
            assert dict(flag.split("=") for flag in command[2::2]) == POSTGRES_SETTINGS
            assert set(command[1::2]) == {"-c"}
            assert SERVICES[process.name]["ulimits"] == {"data": BACKEND_KB * 1024}
            assert "scram-sha-256" in SERVICES[process.name]["environment"]["POSTGRES_INITDB_ARGS"]


def test_only_the_front_door_is_published() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web"}
    assert SERVICES["web"]["ports"] == ["${FRONT_HOST:-127.0.0.1}:${PORT:-8000}:8000"]
    assert not [name for name, service in SERVICES.items() if "network_mode" in service]


def test_every_secret_comes_from_the_environment_and_must_be_there() -> None:
    assert set(re.findall(r"\$\{(\w+):\?\}", TEXT)) == set(NAMES)
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            assert key not in NAMES or value == f"${{{key}:?}}"
    for password in re.findall(r"://\w*:([^@\s]+)@", TEXT):
        assert re.fullmatch(r"\$\{\w+:\?\}", password)


def test_the_example_names_every_secret_and_gives_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if "=" in line and not line.startswith("#")] == [f"{name}=" for name in NAMES]


def test_the_image_is_pinned_and_not_run_as_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "pip install --require-hashes -r requirements.txt" in dockerfile
    assert dockerfile.rstrip().endswith("USER sagabox")
