"""A service on demand, with real processes: it starts when somebody wants it, works as the others do, and keeps its data."""

import os
import signal
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from sandbox.data import storage
from sandbox.layout import Layout
from tests.topology.running import PORT, ROOT, Running, reset, started
from tests.waiting import wait_until

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]
PROGRAMS = ("postgres-vouchers", "relay-vouchers", "worker-vouchers", "api-vouchers")
ENTRY = "select title from journal_entry join journal_mention using (tape, pos) where service = 'vouchers' and correlation = %s"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("on_demand") / "log"
    yield path
    reset("on_demand.house", path)


@pytest.fixture(scope="module")
def running(log: Path) -> Iterator[Running]:
    with started("on_demand.house", "vouchers", log) as found:
        yield found


def start(running: Running, name: str = "vouchers") -> str:
    done = running.command("sandbox", "start", name)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stop(running: Running, name: str = "vouchers") -> str:
    done = running.command("sandbox", "stop", name)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def data() -> list[Path]:
    """Data directories of the service's PostgreSQL, whole or not."""
    return list(storage.postgres_home(Layout(ROOT, PORT)).glob("vouchers*"))


def journaled(running: Running, booking: str) -> bool:
    return bool(running.rows("journal", ENTRY, booking))


def settled(running: Running) -> None:
    """All holds, also of the service that is stopped; nothing is down."""
    assert set(wait_until(lambda: _ready(running), 30, "all that runs to be ready").values()) == {"ready"}
    verdict: dict[str, Any] = {}

    def holds() -> bool:
        verdict.update(running.http.get("/api/verdict").json())
        return bool(verdict["status"] == "holds")

    try:
        wait_until(holds, 30, "everything to hold")
    except AssertionError as error:
        raise AssertionError(f"{error}: {verdict}") from None


def _ready(running: Running) -> dict[str, str]:
    parts = running.parts()
    return parts if set(parts.values()) == {"ready"} else {}


def test_it_does_not_start_by_itself_and_nobody_calls_that_down(running: Running) -> None:
    states = running.states()
    assert {states[name] for name in (*PROGRAMS, "init-vouchers")} == {"on demand"}
    assert data() == []
    parts = running.parts()
    assert not [name for name in parts if "vouchers" in name]
    settled(running)
    assert running.http.get("/api/replay/check").status_code == 200


def test_what_cannot_be_started_is_refused_in_words(running: Running) -> None:
    done = running.command("sandbox", "start", "worker-seats")
    assert done.returncode == 1
    assert "nothing on demand is called 'worker-seats'; there is vouchers, postgres-vouchers, " in done.stdout


def test_started_it_acts_is_journaled_is_struck_and_audited_and_stops_with_its_data_kept(running: Running) -> None:
    said = start(running)
    assert "Setting up postgres-vouchers" in said
    assert {running.states()[name] for name in PROGRAMS} == {"RUNNING"}
    booking = running.place()
    running.ask(booking, 500)
    wait_until(lambda: running.granted(booking) == [(500,)], 30, "the voucher")
    wait_until(lambda: journaled(running, booking), 30, "its entry")
    refused = {
        "point": "answer",
        "action": "refuse",
        "service": "vouchers",
        "message": "GrantVoucher",
        "reason": "none",
    }
    assert running.http.post("/api/faults", json=refused).status_code == 201
    other = str(uuid.uuid4())
    asked = running.ask(other, 1)
    answer = "select data ->> 'reason' from vouchers_outbox where causation_id = %s and kind = 'reply'"
    wait_until(lambda: running.rows("vouchers", answer, asked) == [("none",)], 30, "the fault to strike")
    settled(running)
    assert {"worker-vouchers", "relay-vouchers", "api-vouchers"} <= running.parts().keys()

    last = str(uuid.uuid4())
    running.ask(last, 7)
    wait_until(lambda: running.granted(last), 30, "the last voucher")
    stop(running)
    assert journaled(running, last), "the recorder had to read the rest before the server went"
    assert {running.states()[name] for name in PROGRAMS} == {"on demand"}
    assert not [name for name in running.parts() if "vouchers" in name]
    settled(running)
    status = running.http.get("/readyz").json()["parts"]["recorder"]
    assert status == "ready"
    assert len(data()) == 1


def test_started_again_it_has_its_data_and_what_was_asked_meanwhile_is_done(running: Running) -> None:
    start(running)
    before = running.rows("vouchers", "select count(*) from vouchers_voucher")
    assert before != [(0,)]
    stop(running)
    waiting = str(uuid.uuid4())
    running.ask(waiting, 3)
    said = start(running)
    assert "Setting up" not in said, "it was set up already"
    wait_until(lambda: running.granted(waiting) == [(3,)], 30, "the voucher that was asked for while it was stopped")
    wait_until(lambda: journaled(running, waiting), 30, "its entry")
    twice = """
        select xid, count(*) from journal_entry where service = 'vouchers' and tape = 0 and xid is not null
        group by xid having count(*) > 1
    """
    assert running.rows("journal", twice) == []
    settled(running)


def test_killed_it_is_started_again_as_every_program_is(running: Running) -> None:
    for name in ("worker-vouchers", "postgres-vouchers"):
        was = running.pid(name)
        os.kill(was, signal.SIGKILL)
        wait_until(partial(_is_another, running, name, was), 60, f"{name} to be started again")
    booking = str(uuid.uuid4())
    running.ask(booking, 9)
    wait_until(lambda: _granted(running, booking), 60, "the voucher")
    wait_until(lambda: journaled(running, booking), 30, "its entry")
    settled(running)


def _is_another(running: Running, program: str, was: int) -> bool:
    return running.pid(program) not in (0, was)


def _granted(running: Running, booking: str) -> bool:
    try:
        return bool(running.granted(booking))
    except Exception:  # PostgreSQL recovers
        return False


def test_a_control_process_that_is_killed_while_it_starts_one_does_it_at_the_second_try(running: Running) -> None:
    stop(running)
    url = f"{running.environment('web')['API_URL_CONTROL']}/control/on-demand"
    token = {"Authorization": f"Bearer {running.environment('web')['OPERATOR_TOKEN']}"}
    assert running.http.post(f"{url}/vouchers/start", headers=token).status_code == 202
    wait_until(lambda: running.pid("postgres-vouchers"), 30, "its PostgreSQL to run")
    os.kill(running.pid("control"), signal.SIGKILL)
    wait_until(partial(_answers, running, url, token), 60, "control to be back")
    start(running)
    assert {running.states()[name] for name in PROGRAMS} == {"RUNNING"}
    settled(running)


def _answers(running: Running, url: str, token: dict[str, str]) -> bool:
    try:
        return running.http.get(url, headers=token).status_code == 200
    except httpx.TransportError:
        return False


def test_what_was_left_running_stops_with_the_sandbox_and_is_not_started_with_the_next(
    running: Running, log: Path
) -> None:
    """The last of the module: it ends the sandbox."""
    start(running)
    postgres = psutil.Process(running.pid("postgres-vouchers"))
    (before,) = running.rows("vouchers", "select count(*) from vouchers_voucher")
    running.sandbox.send_signal(signal.SIGINT)
    running.sandbox.wait(60)
    assert not postgres.is_running()
    with started("on_demand.house", "vouchers", log) as again:
        assert {again.states()[name] for name in PROGRAMS} == {"on demand"}
        settled(again)
        start(again)
        assert again.rows("vouchers", "select count(*) from vouchers_voucher") == [before]
