"""A database is really down for its clients, and comes back, whatever becomes of those who took it down."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from redis import Redis

from control.databases import Databases
from control.keeper import Keeper
from control.outages import Stopped
from control.state import Store
from faults import Action, Fault, FaultError, Kind, Point, Trigger
from faults.fault import dump
from sandbox.layout import free_ports
from sandbox.testing import url_of
from tests.control.conftest import NewKeeper
from tests.servers import RedisServer, redis_server_in
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
OWNER = url_of(os.environ, "tickets", "tickets", "tickets")
RECORDER = make_conninfo(url_of(os.environ, "tickets", "recorder", "tickets"), replication="database")


def down(seconds: float = 300, kind: Kind = Kind.ONCE) -> Fault:
    trigger = Trigger(kind=kind)
    return Fault(point=Point.DATABASE, action=Action.DOWN, service="tickets", seconds=seconds, trigger=trigger)


def is_open() -> bool:
    try:
        psycopg.connect(OWNER).close()
    except psycopg.OperationalError as error:
        return "not currently accepting connections" not in str(error)
    return True


@pytest.fixture(autouse=True)
def up_again() -> Iterator[None]:
    yield
    Databases(os.environ).reconcile(())


def test_connections_are_cut_and_new_ones_refused_and_all_is_well_after(keeper: Keeper) -> None:
    with psycopg.connect(OWNER, autocommit=True) as client, psycopg.connect(RECORDER, autocommit=True) as tail:
        armed = keeper.arm(down()).fault
        for connection in (client, tail):
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1" if connection is client else "IDENTIFY_SYSTEM")
    assert not is_open()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(RECORDER)
    with psycopg.connect(url_of(os.environ, "seats", "seats", "seats")):
        pass  # another service's is none of its business
    keeper.clear(armed.id)
    assert is_open()


def test_a_database_on_demand_that_is_stopped_cannot_be_taken_down(redis: Redis, tmp_path: Path) -> None:
    running = {"seats"}
    keeper = Keeper(redis, Store(tmp_path), os.environ, works=running.__contains__)
    with pytest.raises(Stopped, match="the database of tickets is on demand, and stopped; start tickets first"):
        keeper.arm(down())
    assert keeper.listing() == []
    running.add("tickets")
    keeper.arm(down())
    assert not is_open()
    keeper.rest()


def test_it_is_up_again_after_its_seconds(keeper: Keeper) -> None:
    keeper.arm(down(seconds=0.3))
    (found,) = keeper.listing()
    assert (found["state"], found["fired"], bool(found["until"])) == ("exhausted", 1, True)
    assert not is_open()
    wait_until(lambda: not keeper.listing()[0]["until"] and is_open(), 5, "the database to be up again")


def test_a_keeper_that_was_killed_takes_up_where_it_stood(new_keeper: NewKeeper) -> None:
    armed = new_keeper().arm(down(kind=Kind.ALWAYS)).fault
    again = new_keeper()
    assert not is_open()
    assert again.listing()[0]["fired"] == 1, "one outage, not another"
    again.clear(armed.id)
    assert is_open()


def test_nothing_stays_down_that_no_plan_knows_of(redis: Redis, tmp_path: Path) -> None:
    Databases(os.environ).reconcile({"tickets"})
    assert not is_open()
    Keeper(redis, Store(tmp_path / "another"), os.environ).turn()
    assert is_open()


def test_a_keeper_that_ends_leaves_nothing_down(keeper: Keeper) -> None:
    keeper.arm(down())
    keeper.rest()
    assert is_open()


@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_control_process_that_is_told_to_end_leaves_nothing_down(tmp_path: Path, number: signal.Signals) -> None:
    port = free_ports(["control"])["control"]
    environment = {**os.environ, "SERVICE": "control", "SECRET_KEY": "of-a-test", "OPERATOR_TOKEN": "of-a-test",
                   "CONTROL_STATE": str(tmp_path)}  # fmt: skip
    control = subprocess.Popen([sys.executable, "manage.py", "control", "--port", str(port)], cwd=ROOT, env=environment)
    headers = {"Authorization": "Bearer of-a-test"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/control", headers=headers, timeout=10) as client:
        try:
            wait_until(lambda: answers(client), 30, "the control process")
            armed = client.post("/faults", content=dump(down()))
            assert armed.status_code == 200, armed.text
            assert not is_open()
            control.send_signal(number)
            ended = control.wait(20)
            assert is_open()
            assert ended == 0
        finally:
            control.kill()
            control.wait()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/faults").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("more", [{"booking": "b-1"}, {"trigger": Trigger(kind=Kind.PROBABILITY, probability=0.5)}])
def test_a_server_is_down_for_everybody_and_at_once(keeper: Keeper, more: dict) -> None:
    with pytest.raises(FaultError):
        keeper.arm(Fault(**{"point": Point.DATABASE, "action": Action.DOWN, "service": "tickets", **more}))
    assert is_open()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server_in(tmp_path / "redis") as running:
        yield running


def test_redis_goes_down_and_loses_its_data_and_gets_the_plan_back(server: RedisServer, tmp_path: Path) -> None:
    redis = server.client()
    keeper = Keeper(redis, Store(tmp_path / "plan"), os.environ)
    keeper.arm(Fault(point=Point.TRANSACTION_INSIDE, action=Action.CRASH, service="seats"))
    redis.set("something", "kept")
    outage = keeper.arm(Fault(point=Point.REDIS, action=Action.DOWN, service="redis", seconds=0.2)).fault
    wait_until(lambda: server.has_ended(), 5, "Redis to end")
    server.start()

    def is_over() -> bool:
        keeper.turn()  # as the control process does all the time: who only looks does not ask a Redis that was silent
        return not keeper.listing()[1]["until"]

    wait_until(is_over, 5, "the outage to be over")
    if server.has_ended():
        server.start()
    keeper.turn()
    assert redis.get("something") is None
    assert redis.hlen("faults") == 1
    assert keeper.listing()[1]["id"] == outage.id
