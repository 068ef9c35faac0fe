"""Real servers for tests: each PostgreSQL and a Redis on free ports, without supervisor and without Django processes.

    with infrastructure(tmp_path) as environment:
        os.environ |= environment  # before Django's settings are read

The environment is that of SERVICE=control: DATABASE_URL_<ALIAS> of the owners, who may create databases (so that
pytest-django can), ADMIN_URL_<INSTANCE> of the superuser, REPLICATION_URL_<ALIAS> of the recorder, <ROLE>_PASSWORD
of every role, REDIS_URL. `url_of` makes the address of any role.
"""

import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from psycopg.conninfo import make_conninfo

from control import health
from control.setup import provision
from sandbox.data.secret_store import NAMES
from sandbox.errors import SandboxError
from sandbox.layout import Layout, free_ports
from sandbox.machine import redis_server
from sandbox.machine.accounts import postgres_account, switched
from sandbox.machine.postgres import Clusters
from sandbox.running import guard
from sandbox.running.environment import Environment, Environments
from topology.parts import admin_key, postgres
from topology.processes import BY_NAME, INSTANCES, password_key

# Data that a test run throws away needs no protection from power cuts, and commits become several times faster. A
# server that a test kills with SIGKILL still keeps its data: the kernel has it.
UNSAFE = {"fsync": "off", "full_page_writes": "off", "max_connections": "100"}


@contextmanager
def infrastructure(directory: Path) -> Iterator[Environment]:
    """Servers for the length of the block; logs and Redis' data are in `directory`, which may be removed afterwards.

    They end however the block is left, and by the guard even when this process is killed.
    """
    ports = free_ports(Layout(directory, 0).ports)
    environments = Environments(ports, {name: secrets.token_hex(16) for name in NAMES}, directory / "control")
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        home = _postgres_home(stack, directory)
        clusters = Clusters(home, postgres_account())
        _initialise(clusters, environments.secrets["POSTGRES_PASSWORD"], directory / "initdb.log")
        servers = _start(stack, clusters, environments, directory)
        environment = environments.values("control")
        _wait(servers, environment, directory)
        provision.provision(environment, create_databases=True)
        yield environment


def url_of(environment: Mapping[str, str], instance: str, role: str, database: str) -> str:
    """The libpq connection string by which `role` (postgres, recorder, seats_relay, ...) gets into `database`."""
    admin = environment[admin_key(instance)]
    if role == "postgres":
        return make_conninfo(admin, dbname=database)
    return make_conninfo(admin, dbname=database, user=role, password=environment[password_key(role)])


def _postgres_home(stack: ExitStack, directory: Path) -> Path:
    """In `directory`; but root's PostgreSQL runs as another account, which pytest's private directories keep out."""
    if postgres_account() is None:
        return directory / "pg"
    home = Path(tempfile.mkdtemp(prefix="sagabox-test-", dir="/tmp"))
    stack.callback(shutil.rmtree, home, ignore_errors=True)
    return home


def _initialise(clusters: Clusters, password: str, log: Path) -> None:
    """One initdb and four copies: a second a piece is too much to pay in each test run."""
    first, *others = INSTANCES
    clusters.initialise([first], password, log, sync=False)
    for name in others:
        clusters.clone(first, name)


def _start(
    stack: ExitStack, clusters: Clusters, environments: Environments, directory: Path
) -> dict[str, subprocess.Popen[bytes]]:
    # a shell's background job ignores it, and so would its children
    if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    configuration = redis_server.write_configuration(
        directory / "redis", environments.ports["redis"], environments.secrets["REDIS_PASSWORD"]
    )
    servers = {
        "redis": _spawn(stack, redis_server.command(configuration), configuration.parent, directory / "redis.log")
    }
    for instance in INSTANCES:
        name = postgres(instance)
        argv = clusters.command(instance, environments.ports[name], **UNSAFE)
        account = switched(clusters.account)
        servers[name] = _spawn(stack, argv, clusters.data(instance), directory / f"{name}.log", **account)
    # QUIT is an immediate shutdown for PostgreSQL, and ends Redis too.
    watch = guard.start([server.pid for server in servers.values()], signal.SIGQUIT, [clusters.home])
    stack.callback(guard.dismiss, watch)
    return servers


def _spawn(stack: ExitStack, argv: list[str], directory: Path, log: Path, **options: object) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C is for pytest, which then leaves the block, which ends the server."""
    with log.open("ab") as output:
        child = subprocess.Popen(  # type: ignore[call-overload]
            argv,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **options,
        )
    stack.callback(_end, child)
    return child


def _end(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGQUIT)
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _wait(
    servers: dict[str, subprocess.Popen[bytes]], environment: Environment, directory: Path, patience: float = 30
) -> None:
    deadline = time.monotonic() + patience
    for name, server in servers.items():
        while not health.is_healthy(BY_NAME[name], {}, environment):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SandboxError(f"{name} did not come up", directory / f"{name}.log")
            time.sleep(0.02)
