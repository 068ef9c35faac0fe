"""The list of processes, and what each is given: pure data, so the walls can be checked before anything runs."""

import configparser
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.data.secret_store import NAMES
from sandbox.errors import SandboxError
from sandbox.layout import BLOCKS, Layout, free_ports, taken
from sandbox.running.environment import SERVICE_NAMES, Environments
from sandbox.running.supervise import Program, configuration
from tests.topology.on_demand.house import HOUSE as WITH_RARE
from tests.topology.smaller import HOUSE as SMALLER
from topology.parts import Kind
from topology.processes import CONTROL, DJANGO, HOUSE, INIT, PROCESSES, SERVICES, Process, Tier

LAYOUT = Layout(Path("/somewhere"), 8000)
ENVIRONMENTS = Environments(LAYOUT.ports, {name: f"{name.lower()}-value" for name in NAMES}, LAYOUT.control)
each_process = pytest.mark.parametrize("process", DJANGO, ids=lambda process: process.name)


def test_every_part_of_the_architecture_runs_and_has_its_own_name() -> None:
    names = [process.name for process in PROCESSES]
    assert len(set(names)) == len(names) == 5 + 1 + 1 + 4 + 4 + 4 + 2 + 4 + 1 + 1 + 1 + 1 + 1


def test_they_start_in_an_order_that_may_be_reversed_for_stopping() -> None:
    assert Tier.REDIS < Tier.POSTGRES < Tier.TAILS < Tier.WORKERS < Tier.FRONT
    assert [process.tier for process in PROCESSES] == sorted(process.tier for process in PROCESSES)


@each_process
def test_a_process_is_given_the_databases_of_its_service_only(process: Process) -> None:
    looks = {"PROJECTIONS", "JOURNAL"}
    own = {"web": looks, "auditor": looks, "control": set(), "composer": set()}.get(
        process.service, {process.service.upper()}
    )
    keys = {key for key in process.keys if key.startswith(("DATABASE_URL_", "REPLICA_URL_"))}
    copies = process.kind == Kind.READER  # with another role than the owner's, and so another address
    assert keys == {f"{'REPLICA' if copies else 'DATABASE'}_URL_{name}" for name in own}


@each_process
def test_nobody_but_control_is_given_a_superuser_and_nobody_a_bare_password(process: Process) -> None:
    values = ENVIRONMENTS.of_process(process)
    assert not [key for key in values if key.endswith("_PASSWORD")]
    if process is not CONTROL:
        assert not [key for key in values if key.startswith("ADMIN_URL_")]
        assert "postgres_password-value" not in " ".join(values.values())
    assert "postgres_password-value" in " ".join(ENVIRONMENTS.of_process(INIT).values())


@each_process
def test_a_process_logs_in_with_the_role_of_its_service(process: Process) -> None:
    for key, url in ENVIRONMENTS.of_process(process).items():
        if key.startswith("DATABASE_URL_"):
            assert url.startswith(f"postgresql://{process.service}:")


def test_what_writes_copies_logs_in_with_a_role_that_may_write_nothing_else() -> None:
    for process in HOUSE.programs_of(Kind.READER):
        url = ENVIRONMENTS.of_process(process)[f"REPLICA_URL_{process.service.upper()}"]
        assert url.startswith(f"postgresql://{process.service}_replicator:")
    others = [process for process in DJANGO if process.kind != Kind.READER]
    assert not [process for process in others if "_replicator:" in " ".join(ENVIRONMENTS.of_process(process).values())]


def test_a_relay_has_its_own_role_and_the_recorder_another() -> None:
    relay = ENVIRONMENTS.of_process(next(process for process in DJANGO if process.name == "relay-seats"))
    assert relay["REPLICATION_URL_SEATS"].startswith("postgresql://seats_relay:seats_relay_password-value@")
    recorder = ENVIRONMENTS.of_process(next(process for process in DJANGO if process.name == "recorder"))
    tailed = [url for key, url in recorder.items() if key.startswith("REPLICATION_URL_")]
    assert len(tailed) == 5
    assert all(url.startswith("postgresql://recorder:") for url in tailed)


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_the_file_for_a_shell_has_what_all_processes_of_the_service_have(service: str) -> None:
    values = ENVIRONMENTS.of_service(service)
    for process in DJANGO:
        if process.service == service:
            assert ENVIRONMENTS.of_process(process).items() <= values.items()


def test_neighbouring_sandboxes_never_share_a_port() -> None:
    ports = [port for number in range(8000, 8300) for port in Layout(Path("/somewhere"), number).ports.values()]
    assert len(set(ports)) == len(ports)
    assert max(ports) < 32_768  # from there on Linux takes ports for outgoing connections


@pytest.mark.parametrize("module", ["bench/__main__.py", "bench/stage.py"])
def test_the_bench_shares_no_block_with_the_sandbox_of_its_port(module: str) -> None:
    """What `port_or_exit(offset=...)` chooses for it shares no block with any PORT."""
    (offset,) = re.findall(r"offset=(\d+)", (Path(__file__).parents[2] / module).read_text())
    for port in range(8000, 8000 + BLOCKS):
        mine = set(Layout(Path("/somewhere"), port).ports.values())
        assert not mine & set(Layout(Path("/somewhere"), port + int(offset)).ports.values())


def test_a_house_with_more_listeners_than_a_block_has_ports_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    listeners = len(LAYOUT.ports) - 1  # the front door's is no port of the block
    monkeypatch.setattr("sandbox.layout.BLOCK", listeners - 1)
    why = f"{listeners} programs of this house listen, and a sandbox has {listeners - 1} ports"
    with pytest.raises(SandboxError, match=why):
        Layout(Path("/somewhere"), 8000).ports  # noqa: B018


def test_an_older_version_s_smaller_block_may_lie_in_ours_and_is_noticed() -> None:
    """Its blocks of 16 began at 20,000, too: that of its PORT 8200 begins where ours of 8000 does."""
    ours = Layout(Path("/somewhere"), 8000).ports
    assert 20_000 + 8200 % 700 * 16 in ours.values()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        free = free_ports(ours)
        assert taken({**free, "postgres-tickets": other.getsockname()[1]}).keys() == {"postgres-tickets"}
    assert taken(free) == {}  # the control


def test_supervisor_takes_commands_and_values_literally() -> None:
    program = Program(
        name="worker-seats",
        tier=Tier.WORKERS,
        command=["python", "-n", "seats@%h", "a b"],
        directory=Path("/100%/here"),
        log=Path("/log"),
        environment={"KEY": "50%,x"},
    )
    text = configuration([program], Path("/s.sock"), Path("/s.log"), Path("/s.pid"))
    parsed = configparser.RawConfigParser()
    parsed.read_string(text)
    section = parsed["program:worker-seats"]
    assert section["command"] == "python -n seats@%%h 'a b'"
    assert section["directory"] == "/100%%/here"
    assert section["environment"] == 'KEY="50%%,x"'
    assert parsed["group:workers"]["programs"] == "worker-seats"


def test_what_sets_up_and_ends_is_not_started_again() -> None:
    once = Program(
        name="init-rare",
        tier=Tier.TAILS,
        command=["x"],
        directory=Path("/"),
        log=Path("/log"),
        environment={},
        ends=True,
    )
    kept = replace(once, name="relay-rare", ends=False)
    parsed = configparser.RawConfigParser()
    parsed.read_string(configuration([once, kept], Path("/s.sock"), Path("/s.log"), Path("/s.pid")))
    rules = [
        tuple(parsed[f"program:{one.name}"][key] for key in ("autostart", "autorestart", "startsecs", "startretries"))
        for one in (once, kept)
    ]
    assert rules == [("false", "false", "0", "0"), ("false", "true", "1", "1000000")]


def test_what_is_on_demand_has_ports_after_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    always = {process.name for process in PROCESSES}
    standing = {name: port for name, port in Layout(Path("/somewhere"), 8000).ports.items() if name in always}
    monkeypatch.setattr("sandbox.layout.HOUSE", WITH_RARE)
    ports = Layout(Path("/somewhere"), 8000).ports
    last = max(port for name, port in standing.items() if name != "web")
    assert ports == {**standing, "postgres-vouchers": last + 1, "api-vouchers": last + 2}


def test_only_what_the_house_runs_has_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smaller house has neither Ticket nor an auditor."""
    monkeypatch.setattr("sandbox.layout.HOUSE", SMALLER)
    monkeypatch.setattr("sandbox.running.environment.HOUSE", SMALLER)
    ports = Layout(Path("/somewhere"), 8000).ports
    assert set(LAYOUT.ports) - set(ports) == {"api-tickets", "postgres-tickets", "auditor", "api-composer"}
    environments = Environments(ports, dict.fromkeys(NAMES, "x"), LAYOUT.control)
    assert environments.values("web")["API_URL_AUDITOR"] == ""


def test_every_service_has_the_same_three_processes() -> None:
    for kind in ("api", "worker", "relay"):
        assert {f"{kind}-{service}" for service in SERVICES} <= {process.name for process in PROCESSES}
