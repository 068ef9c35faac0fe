"""Servers and programs of a test's own, to be stopped, killed and started again while others work with them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connections
from redis import Redis, RedisError

from sandbox.layout import free_ports
from sandbox.machine import redis_server
from sandbox.machine.accounts import postgres_account, switched
from sandbox.machine.postgres import Clusters
from tests.waiting import wait_until

PASSWORD = "of-a-test"
ROOT = Path(__file__).resolve().parents[1]


def environment_of(service: str) -> dict[str, str]:
    """The environment of a program of this service, with the database and the Redis of the test that runs."""
    key = f"DATABASE_URL_{service.upper()}"
    database = connections[service].settings_dict["NAME"]
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SERVICE": service,
        "SECRET_KEY": "of-a-test",
        key: urlunsplit(urlsplit(os.environ[key])._replace(path=f"/{database}")),
        "REDIS_URL": os.environ["REDIS_URL"],
    }


@contextmanager
def program(service: str, *arguments: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py <arguments>` of this service, killed at the end of the block if it still runs. `more`: environment variables."""
    child = subprocess.Popen([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment_of(service) | more)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def cut_connections(service: str) -> bool:
    """Terminate the connections of the service's programs to the test's database, but for this one. Whether there were any."""
    with connections[service].cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s "
            "and datname = current_database() and pid <> pg_backend_pid()",
            [f"sagabox-{service}"],
        )
        return bool(cursor.fetchall())


class _Server:
    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def _spawn(self, argv: list[str], directory: Path, **options: object) -> None:
        self._child = subprocess.Popen(  # type: ignore[call-overload]
            argv, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **options
        )

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the process to go."""
        if self._child is not None:
            self._child.send_signal(number)
            self._child.wait(30)
            self._child = None

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def has_ended(self) -> bool:
        """Whether it went by itself, or was told to by somebody else."""
        return self._child is None or self._child.poll() is not None


class PostgresServer(_Server):
    """`url` is the superuser's. `crash` is PostgreSQL's immediate shutdown: no checkpoint, recovery at the next start."""

    def __init__(self, clusters: Clusters, name: str) -> None:
        super().__init__()
        self._clusters, self._name = clusters, name
        self._port = free_ports([name])[name]
        self.url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        argv = self._clusters.command(self._name, self._port, max_connections="20")
        self._spawn(argv, self._clusters.data(self._name), **switched(self._clusters.account))
        wait_until(self._answers, 60, "PostgreSQL")  # it may have a crash to recover from, on a busy disk

    def crash(self) -> None:
        self.end(signal.SIGQUIT)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


class RedisServer(_Server):
    """Keeps its data over `start` unless they are lost with `lose_data`."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        port = free_ports(["redis"])["redis"]
        self._configuration = redis_server.write_configuration(directory, port, PASSWORD)
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"

    def start(self) -> None:
        self._spawn(redis_server.command(self._configuration), self._directory)
        wait_until(self._answers, 20, "Redis")

    def lose_data(self) -> None:
        """Only while it is stopped."""
        for path in self._directory.iterdir():
            if path != self._configuration:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def client(self) -> Redis:
        return Redis.from_url(self.url)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except RedisError:
            return False


@contextmanager
def postgres_servers(*names: str) -> Iterator[dict[str, PostgresServer]]:
    """Running servers by name. Their data cannot lie in pytest's directories: root's PostgreSQL is another account."""
    home = Path(tempfile.mkdtemp(prefix="sagabox-test-", dir="/tmp"))
    servers: dict[str, PostgresServer] = {}
    try:
        clusters = Clusters(home, postgres_account())
        clusters.initialise(names[:1], PASSWORD, home / "initdb.log", sync=False)
        for name in names[1:]:
            clusters.clone(names[0], name)
        for name in names:
            servers[name] = PostgresServer(clusters, name)
            servers[name].start()
        yield servers
    finally:
        for server in servers.values():
            server.crash()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def redis_server_in(directory: Path) -> Iterator[RedisServer]:
    server = RedisServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.end(signal.SIGKILL)
