"""Temporary breakages: context managers, whose two ends may be in different threads."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import psutil
import psycopg

from proofs.house import wait_for
from proofs.network import Network
from sandbox.data import secret_store
from sandbox.layout import Layout
from sandbox.running.environment import Environments
from sandbox.running.supervise import Supervisor
from topology.processes import BY_NAME

UNDO_S = 60.0  # how long a server that is away at the end is waited for: nothing may stay broken
LOCKS = {
    "seats": "select from seats_seat order by id desc limit 1 for update",  # of the hall made last: the run's own
    "booking": "select from booking_customer order by id limit 1 for update",
    "payments": "select from payments_payment order by id desc limit 1 for update",
}
"""A row that a client has locked and never releases."""
BEHIND = {
    "api-booking": "DATABASE_URL_BOOKING",
    "worker-seats": "DATABASE_URL_SEATS",
    "worker-payments": "REDIS_URL",
    "projector-bookings": "DATABASE_URL_PROJECTIONS",
    "relay-tickets": "REPLICATION_URL_TICKETS",
    "relay-booking": "REDIS_URL",
}
"""Program -> the URL of its server that can be redirected through a network that drops everything."""
HEALTHY_S = 2.0  # a program behind a network works well for so long, first


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """`url`: the superuser's. As a server that has been failed over from: each new transaction may only read (SQLSTATE 25006)."""
    _set_read_only(url, "on")
    try:
        yield
    finally:
        _insist(lambda: _set_read_only(url, "off"))


def _set_read_only(url: str, value: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute(f"alter system set default_transaction_read_only = {value}".encode())
        connection.execute("select pg_reload_conf()")


def _insist(undo: Callable[[], None]) -> None:
    give_up = time.monotonic() + UNDO_S
    while True:
        try:
            return undo()
        except psycopg.Error:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.5)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process and its children, as PostgreSQL's are, stand still, and their sockets stay open."""
    parent = psutil.Process(pid)
    parent.send_signal(signal.SIGSTOP)  # first: it has no new children then
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@contextmanager
def locked(url: str, service: str) -> Iterator[None]:
    with psycopg.connect(url, connect_timeout=3) as connection:
        connection.execute(LOCKS[service].encode())
        yield


@contextmanager
def swallowed(layout: Layout, supervisor: Supervisor, program: str) -> Iterator[None]:
    """The program gets to one of its servers through a network of our own, which drops everything. For that the program
    is stopped, started by us with another URL, and returned to its supervisor afterwards.
    """
    process, key = BY_NAME[program], BEHIND[program]
    environment = environments(layout).of_process(process)
    url = urlsplit(environment[key])
    with Network(url.port or 0) as network:
        environment[key] = environment[key].replace(f":{url.port}/", f":{network.port}/")
        supervisor.stop(process.tier, program)
        command = process.command(sys.executable, port=layout.ports.get(program, 0))
        with layout.log(f"{program}-behind-a-network").open("ab") as log:
            child = subprocess.Popen(
                command, cwd=layout.root, env={**os.environ, **environment}, stdout=log, stderr=log
            )
        try:
            wait_for(lambda: network.carries or child.poll() is not None, 60, f"{program} to use its network")
            time.sleep(HEALTHY_S)
            network.swallow()
            yield
        finally:
            network.flow()
            time.sleep(HEALTHY_S)  # what it does when the network is back, it does itself
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(20)
            child.kill()
            child.wait()
            supervisor.start(process.tier, program)


def environments(layout: Layout) -> Environments:
    secrets = secret_store.load_or_create(layout.state / "secrets.env")
    return Environments(layout.ports, secrets, layout.control, layout.static, layout.front)
