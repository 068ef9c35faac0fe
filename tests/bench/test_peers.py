"""The peers: each does the three writes of every booking, on servers of its own, or is skipped with its reason."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.apart import apart
from bench.peers import packages, servers
from bench.peers.catalogue import PEERS, measure
from bench.results import COMPLETE, GENERATOR, Bulk, Lone, Skipped

HERE = Path(packages.__file__).parent


@pytest.fixture(scope="module")
def running() -> Iterator[servers.Servers]:
    with servers.home() as home, servers.running(home) as running:
        yield running
    assert not home.exists()
    assert not [pid for pid in running.pids.values() if psutil.pid_exists(pid)]


@pytest.mark.parametrize("name", ["three_commits", "one_transaction", "celery_solo"])
def test_a_peer_is_measured(running: servers.Servers, name: str) -> None:
    """The measurement itself compares the rows with what was asked for."""
    bulk, lone = apart(measure, name, running, 50, 3)
    assert isinstance(bulk, Bulk)
    assert isinstance(lone, Lone)
    assert bulk.seconds[COMPLETE] > 0
    assert bulk.clients == PEERS[name].clients
    assert len(lone.samples_ms[COMPLETE]) == 3
    assert min(lone.samples_ms[COMPLETE]) > 0
    assert {GENERATOR, "redis", "postgres-seats"} <= bulk.cpu_ms.keys()
    assert sum(bulk.cpu_ms.values()) > 0


def test_a_booking_without_its_three_rows_is_noticed(running: servers.Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.peers import writes

    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(writes.WRITES, "payments", "select %(id)s")
    with pytest.raises(RuntimeError, match=r"70 bookings, and seats sold, payments, tickets are \(70, 0, 70\)"):
        measure("three_commits", running, 20, 10)


def test_without_node_restate_is_skipped_with_its_reason(
    running: servers.Servers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "AT", tmp_path)
    monkeypatch.setattr(packages, "python", lambda: Path(sys.executable))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    assert measure("restate", running, 5, 1) == [
        Skipped(system="restate", reason="Restate's server is a Node package, and there is no node and npm on the PATH")
    ]


def test_packages_that_cannot_be_installed_are_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "AT", tmp_path)
    monkeypatch.setattr(packages, "BASE", shutil.which("false"))
    with pytest.raises(packages.Unavailable, match="no virtual environment could be made: exit status 1"):
        packages.python()
    assert not (tmp_path / "venv" / ".installed").exists()


def test_everything_that_is_fetched_is_pinned_by_its_hash_and_names_no_registry() -> None:
    requirements, lock = (HERE / "requirements.txt").read_text(), json.loads((HERE / "package-lock.json").read_text())
    pinned = [line for line in requirements.splitlines() if "==" in line]
    assert pinned
    assert requirements.count("--hash=sha256:") >= len(pinned)
    assert "://" not in requirements + (HERE / "package-lock.json").read_text()
    fetched = [package for place, package in lock["packages"].items() if place]
    assert {package["version"] for package in fetched} == {"1.7.12"}
    assert all(package["integrity"].startswith("sha512-") for package in fetched)
    assert not any(package.get("hasInstallScript") for package in fetched)


@pytest.mark.parametrize("options", [["--only", "kafka"], ["--peers", "restate,kafka"]])
def test_an_unknown_system_is_reported_in_a_sentence(options: list[str]) -> None:
    command = [sys.executable, "-m", "bench", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("no system kafka; there are sagabox, celery_two,")
    assert "Traceback" not in done.stderr
