"""An instance on demand without the rest of the sandbox: supervisord, the control process and PostgreSQL are real."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from sandbox.data import storage
from sandbox.layout import Layout
from sandbox.running.asking import change
from sandbox.running.supervise import Supervisor
from sandbox.runtime import Sandbox
from sandbox.stages import Stages
from tests.topology.running import PORT, ROOT, environment_of
from tests.waiting import wait_until
from topology.processes import PROCESSES

NAME = "postgres-vouchers"
LAYOUT = Layout(ROOT, PORT + 1)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    argv = [sys.executable, "-m", "tests.topology.on_demand.bare", str(LAYOUT.port)]
    environment = environment_of("on_demand.house")
    with ExitStack() as stack:
        stack.callback(Sandbox(ROOT, LAYOUT.port).reset)
        log = stack.enter_context((tmp_path / "log").open("wb+"))
        bare = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=log)
        stack.callback(bare.wait, 60)
        stack.callback(bare.send_signal, signal.SIGTERM)
        wait_until(lambda: b"ready" in (tmp_path / "log").read_bytes() or bare.poll(), 60, "control to be ready")
        assert bare.poll() is None, (tmp_path / "log").read_text()
        socket = storage.control_socket(LAYOUT)
        assert socket is not None
        yield Supervisor(socket)


def test_an_instance_is_made_started_set_up_stopped_and_started_again_with_its_data(supervisor: Supervisor) -> None:
    states = {name: status.state for name, status in supervisor.statuses().items()}
    assert states[NAME] == "STOPPED"
    assert {one.name for one in PROCESSES} < states.keys()

    change(LAYOUT, "start", NAME, Stages(quiet=True))
    assert supervisor.statuses()[NAME].state == "RUNNING"
    with psycopg.connect(url("vouchers", "vouchers"), autocommit=True) as owner:
        slots = owner.execute("select slot_name from pg_replication_slots order by 1").fetchall()
        published = owner.execute("select distinct pubname from pg_publication_tables order by 1").fetchall()
        begun = position(owner)
        owner.execute("insert into vouchers_voucher (booking_id, worth, version) values (gen_random_uuid(), 5, 1)")
    assert slots == [("recorder",), ("relay",)]
    assert published == [("journal",), ("outbox",)]
    made = supervisor.statuses()["init-vouchers"].since

    was = supervisor.statuses()[NAME].pid
    os.kill(was, signal.SIGKILL)
    wait_until(lambda: supervisor.statuses()[NAME].pid not in (0, was), 30, "supervisord to start it again")

    change(LAYOUT, "stop", NAME, Stages(quiet=True))
    assert supervisor.statuses()[NAME].state == "STOPPED"
    change(LAYOUT, "start", NAME, Stages(quiet=True))
    with psycopg.connect(url("vouchers", "vouchers")) as owner:
        assert owner.execute("select worth from vouchers_voucher").fetchall() == [(5,)]
    assert supervisor.statuses()["init-vouchers"].since == made, "it was set up already"

    change(LAYOUT, "stop", NAME, Stages(quiet=True))
    shutil.rmtree(storage.postgres_home(LAYOUT) / "vouchers")  # somebody's own hands
    change(LAYOUT, "start", NAME, Stages(quiet=True))
    with psycopg.connect(url("vouchers", "vouchers")) as owner:
        assert owner.execute("select count(*) from vouchers_voucher").fetchall() == [(0,)]
        assert position(owner) > begun + 2**32, "a reader that remembers the first one would pass over its beginning"
        owner.execute("insert into vouchers_voucher (booking_id, worth, version) values (gen_random_uuid(), 5, 1)")

    change(LAYOUT, "renew", NAME, Stages(quiet=True))
    with psycopg.connect(url("vouchers", "vouchers")) as owner:
        assert owner.execute("select count(*) from vouchers_voucher").fetchall() == [(0,)], "made from the template"


def position(connection: psycopg.Connection) -> int:
    """Where the server's log ends, in bytes."""
    (found,) = connection.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone() or (0,)
    return int(found)


def url(role: str, database: str) -> str:
    secrets = (LAYOUT.state / "secrets.env").read_text().split()
    (password,) = (line.partition("=")[2] for line in secrets if line.startswith(f"{role.upper()}_PASSWORD="))
    always = {process.name for process in PROCESSES} - {"web"}
    port = (
        max(port for name, port in LAYOUT.ports.items() if name in always) + 1
    )  # what is on demand comes after what stands
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}"
