"""Breaking a real server for the length of a block: read-only, frozen, or with a row locked."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil
import psycopg
from django.db import connections


@contextmanager
def read_only(instance: str, environment: dict[str, str] | None = None) -> Iterator[None]:
    """Every new transaction of the instance is read-only, as on a server that has just been failed over from."""
    url = (environment or os.environ)[f"ADMIN_URL_{instance.upper()}"]
    with psycopg.connect(url, autocommit=True) as admin:
        _set_read_only(admin, "on")
        try:
            yield
        finally:
            _set_read_only(admin, "off")


def _set_read_only(admin: psycopg.Connection, value: str) -> None:
    admin.execute("set default_transaction_read_only = off")
    admin.execute(f"alter system set default_transaction_read_only = {value}".encode())
    admin.execute("select pg_reload_conf()")


@contextmanager
def locked(alias: str, sql: str) -> Iterator[None]:
    """Somebody else's transaction holds what `sql` locks."""
    parameters = connections[alias].get_connection_params()
    keys = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{key: parameters[key] for key in keys}) as other:
        other.execute(sql.encode())
        yield


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process and its children, as PostgreSQL's are, stand still (SIGSTOP)."""
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    _send(family, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(family, signal.SIGCONT)


def _send(family: list[psutil.Process], number: signal.Signals) -> None:
    for process in family:
        with suppress(psutil.NoSuchProcess):  # a child that has ended meanwhile, as PostgreSQL's workers do
            process.send_signal(number)


@contextmanager
def silent_servers(count: int) -> Iterator[list[str]]:
    """Addresses that take connections and say nothing, as of servers that stand still."""
    with ExitStack() as stack:
        lines = [stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=20)) for _ in range(count)]
        yield [f"http://127.0.0.1:{line.getsockname()[1]}" for line in lines]
