"""The peers' own PostgreSQL instances and Redis: of the same build and with the same durability as Sagabox's, and empty of it."""

import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGQUIT

import psycopg

from bench.peers.writes import ONE, WRITES
from sandbox.errors import SandboxError
from sandbox.layout import free_ports
from sandbox.machine import redis_server
from sandbox.machine.accounts import postgres_account, switched
from sandbox.machine.postgres import Clusters
from sandbox.running import guard

INSTANCES = (*WRITES, ONE)
START_WITHIN_S = 30
# Nobody reads these logs but the server itself.
SETTINGS = {"wal_level": "replica"}


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Running servers. `environment`: where a peer's processes find them; `pids`: name -> the server's process."""

    environment: dict[str, str]
    pids: dict[str, int]
    directory: Path


@contextmanager
def home() -> Iterator[Path]:
    """A directory for the servers' data, for the length of the block: on the disk of /tmp, where PostgreSQL's account can go."""
    directory = Path(tempfile.mkdtemp(prefix="sagabox-bench-", dir="/tmp"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running(directory: Path) -> Iterator[Servers]:
    """The servers for the length of the block; their data remain in `directory` for the next. They end if we are killed, too."""
    ports = free_ports([*INSTANCES, "redis"])
    with ExitStack() as stack:
        clusters = Clusters(directory / "pg", postgres_account())
        password = _password(directory)
        _initialise(clusters, password, directory / "initdb.log")
        configuration = redis_server.write_configuration(directory / "redis", ports["redis"], password)
        children = {
            "redis": _spawn(
                stack, redis_server.command(configuration), configuration.parent, directory / "redis.log", {}
            )
        }
        for name in INSTANCES:
            clusters.clear_stale_pid(name)
            argv, log = clusters.command(name, ports[name], **SETTINGS), directory / f"{name}.log"
            children[f"postgres-{name}"] = _spawn(stack, argv, clusters.data(name), log, switched(clusters.account))
        watch = guard.start([child.pid for child in children.values()], SIGQUIT, [directory])
        stack.callback(guard.dismiss, watch)
        urls = {name: f"postgresql://postgres:{password}@127.0.0.1:{ports[name]}/postgres" for name in INSTANCES}
        for url in urls.values():
            _wait(url, directory)
        yield Servers(
            environment={
                **{f"BENCH_URL_{name.upper()}": url for name, url in urls.items()},
                "BENCH_REDIS_URL": f"redis://:{password}@127.0.0.1:{ports['redis']}/0",
            },
            pids={name: child.pid for name, child in children.items()},
            directory=directory,
        )


def _password(directory: Path) -> str:
    """The superuser's, made with the data."""
    file = directory / "password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(16))
    return file.read_text()


def _initialise(clusters: Clusters, password: str, log: Path) -> None:
    first, *others = INSTANCES
    if clusters.initialise([first], password, log):
        for name in others:
            clusters.clone(first, name)


def _spawn(
    stack: ExitStack, argv: list[str], directory: Path, log: Path, account: dict[str, object]
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        child = subprocess.Popen(  # type: ignore[call-overload]
            argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            **account,
        )  # fmt: skip
    stack.callback(_end, child)
    return child


def _end(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(SIGQUIT if "postgres" in str(child.args) else 15)
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _wait(url: str, directory: Path) -> None:
    give_up = time.monotonic() + START_WITHIN_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if time.monotonic() > give_up:
                raise SandboxError(f"the peers' PostgreSQL did not come up: {error}; logs: {directory}") from error
            time.sleep(0.05)
