"""`Sandbox`: all of Sagabox on this machine. `manage.py sandbox up` shows it to a person, tests drive it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from redis import Redis

from control import health
from control.mirror import end_what_kills
from control.state import Store
from sandbox.data import secret_store, storage
from sandbox.data.backup import Backup, refuse_newer_data
from sandbox.errors import SandboxError
from sandbox.layout import Layout, taken
from sandbox.machine import redis_server, room
from sandbox.machine.accounts import postgres_account
from sandbox.machine.address import Front
from sandbox.machine.postgres import Clusters
from sandbox.running import guard, leftovers, waiting
from sandbox.running.environment import SERVICE_NAMES, Environments
from sandbox.running.programs import programs
from sandbox.running.supervise import Status, Supervisor, configuration, launch
from sandbox.stages import Stages
from topology.processes import BY_NAME, INIT, INSTANCES, PROCESSES, Tier
from topology.tuning import Seconds

# Seconds. A process that keeps dying is reported immediately; a slow one, on a busy machine, may take its time.
PATIENCE: Seconds = 240
LOOK_S: Seconds = 5.0  # from one look at the disk to the next


class Sandbox:
    """One sandbox per (root, port): `start()` returns when everything works, `stop()` when nothing is left.

    As a context manager it does both. Raises SandboxError (AlreadyRunning when another one holds this port); after a
    failed `start()` too, `stop()` has to be called.
    """

    def __init__(self, root: Path, port: int, stages: Stages | None = None, front: Front | None = None) -> None:
        self.layout = Layout(root.resolve(), port, front or Front())
        self.stages = stages or Stages(quiet=True)
        self.url = self.layout.url
        self.environments: Environments  # from start() on
        self.supervisord: subprocess.Popen[bytes] | None = None
        self._supervisor: Supervisor
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        if self.layout.port in list(self.layout.ports.values())[1:]:
            raise SandboxError(
                f"PORT {self.layout.port} is one of those that its own processes take; choose another PORT"
            )
        refuse_newer_data(self.layout)
        self._undo.enter_context(storage.lock(self.layout))
        self._prepare()
        with self._collecting_static():
            self._start_servers()
            self._set_up()
        self._end_what_kills()
        self._start_processes()

    def restore(self) -> str:
        """Put the backup of the data back that was made before they were migrated; returns when that was."""
        with storage.lock(self.layout):
            leftovers.clean_up(self.layout)
            return Backup(self.layout, Clusters(storage.claim_home(self.layout), postgres_account())).restore()

    def stop(self) -> None:
        """Stop all that was started, in order: front door, workers, relays and recorder, PostgreSQL, Redis."""
        self._undo.close()

    def wait(self) -> None:
        """Block for as long as supervisord lives, which is until `stop()` unless someone kills it; say when the disk is full."""
        was = None
        while self.supervisord is not None and self.supervisord.poll() is None:
            if (now := room.full(self.directories)) != was:
                self.stages.say(
                    room.sentence(now) if now else "There is space on the disk again; the sandbox continues"
                )
                was = now
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.supervisord.wait(LOOK_S)

    @property
    def directories(self) -> list[Path]:
        """Where it writes; they may be on different disks."""
        places = [self.layout.state, storage.postgres_home(self.layout)]
        return [place for place in places if place.is_dir()]

    def reset(self) -> list[Path]:
        """Remove data, logs and secrets of a sandbox that does not run; returns the directories that are gone."""
        with storage.lock(self.layout):
            leftovers.clean_up(self.layout)
            return storage.wipe(self.layout)

    # One process of a running sandbox, by its name in topology/processes.py

    def processes(self) -> dict[str, Status]:
        return self._supervisor.statuses()

    def start_process(self, name: str) -> None:
        process = BY_NAME[name]
        if process.health == "heartbeat":  # the last beat of its predecessor would pass for its own
            health.forget_heartbeat(self.environments.control()["REDIS_URL"], name)
        self._supervisor.start(process.tier, name)

    def stop_process(self, name: str) -> None:
        self._supervisor.stop(BY_NAME[name].tier, name)

    def restart(self, name: str) -> None:
        self.stop_process(name)
        self.start_process(name)

    def is_healthy(self, name: str) -> bool:
        return health.is_healthy(BY_NAME[name], self.layout.ports, self.environments.control(), self.layout.front.reach)

    def wait_healthy(self, *names: str, patience: float = PATIENCE) -> None:
        """Until each of these (all, when none is named) works again."""
        wanted = [BY_NAME[name] for name in names] or list(PROCESSES)
        waiting.until_healthy(self._supervisor, wanted, self.layout, self.environments.control(), patience)

    # The stages of start(), in their order

    def _prepare(self) -> None:
        with self.stages.stage("Workplace") as notes:
            storage.claim_home(self.layout)
            if ended := leftovers.clean_up(self.layout):
                notes.append(f"ended {ended} left-over processes of an earlier run")
            if busy := taken(self.layout.ports, self.layout.front.host):
                names = ", ".join(f"{port} ({name})" for name, port in busy.items())
                storage.forget_new(self.layout)
                raise SandboxError(
                    f"port {names} cannot be had (taken, or not allowed to you); "
                    f"choose another PORT: make run PORT={self.layout.another_port}"
                )
            self.layout.logs.mkdir(exist_ok=True)
            secrets = secret_store.load_or_create(self.layout.state / "secrets.env")
            self.environments = Environments(
                self.layout.ports, secrets, self.layout.control, self.layout.static, self.layout.front
            )
            for service in (*SERVICE_NAMES, "none"):
                secret_store.write_private(self.layout.environment_file(service), self.environments.of_service(service))

    def _start_servers(self) -> None:
        secrets, ports = self.environments.secrets, self.layout.ports
        with self.stages.stage("PostgreSQL data") as notes:
            clusters = Clusters(storage.postgres_home(self.layout), postgres_account())
            storage.mark_home(self.layout, clusters.home)
            log = self.layout.log("initdb")
            made = clusters.initialise(INSTANCES, secrets["POSTGRES_PASSWORD"], log)
            notes.append(f"{len(made)} made" if made else "kept")
        self.backup = Backup(self.layout, clusters)
        if self.backup.is_due(made):
            with self.stages.stage("Backup before migrating") as notes:
                notes.append(str(self.backup.make()))
        with self.stages.stage(f"PostgreSQL x{len(INSTANCES)} and Redis"):
            for instance in INSTANCES:
                clusters.clear_stale_pid(instance)
            redis = redis_server.write_configuration(
                self.layout.state / "redis", ports["redis"], secrets["REDIS_PASSWORD"]
            )
            self._start_supervisord(clusters, redis)
            self._spawn(Tier.REDIS, Tier.POSTGRES)

    def _start_supervisord(self, clusters: Clusters, redis: Path) -> None:
        # A Unix socket's path may have 108 bytes (macOS: 104), which a project deep in a home directory soon exceeds.
        directory = Path(tempfile.mkdtemp(prefix=storage.SOCKET_PREFIX))
        self._undo.callback(shutil.rmtree, directory, ignore_errors=True)
        socket, file = directory / "supervisor.sock", self.layout.state / "supervisord.conf"
        text = configuration(
            programs(self.layout, self.environments, clusters, redis),
            socket, self.layout.log("supervisord"), self.layout.state / "supervisord.pid",
        )  # fmt: skip
        file.touch(mode=0o600)
        file.write_text(text)
        storage.remember(self.layout, socket=str(socket), host=self.layout.front.host, origin=self.layout.front.origin)
        self._supervisor = Supervisor(socket)
        self.supervisord = launch(file, self.layout.state, self.layout.log("supervisord"))
        # Should we be killed: supervisord's own answer to SIGTERM is to stop everything in the same order as we do.
        self._undo.callback(guard.dismiss, guard.start([self.supervisord.pid], signal.SIGTERM, [directory]))
        self._undo.callback(self._stop_supervisord, self.supervisord)
        waiting.until_supervised(self._supervisor, self.supervisord, self.layout)

    def _set_up(self) -> None:
        """In a process of its own, which alone has the superuser's password, and ends."""
        environment = {**os.environ, **self.environments.control()}
        log = self.layout.log("provision")
        with log.open("w") as errors:
            output = errors if self.stages.console.quiet else None
            done = subprocess.run(
                INIT.command(sys.executable),
                cwd=self.layout.root, env=environment, stdout=output, stderr=errors,
            )  # fmt: skip
        if done.returncode != 0:
            raise SandboxError("setting up the databases failed", log)
        self.backup.after_migrating()

    @contextlib.contextmanager
    def _collecting_static(self) -> Iterator[None]:
        """Collect the front door's static files, hashed and compressed, in parallel with the block; in
        docker-compose.yml's image it is made at build time."""
        log = self.layout.log("static")
        command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--clear", "--verbosity", "0"]
        environment = {**os.environ, "SERVICE": "none", "STATIC_ROOT": str(self.layout.static)}
        self.layout.static.mkdir(exist_ok=True)
        with log.open("w") as errors:
            collecting = subprocess.Popen(
                command, cwd=self.layout.root, env=environment, stdout=errors, stderr=errors
            )  # fmt: skip
        try:
            yield
            with self.stages.stage("Static files"):
                collecting.wait()
        finally:
            collecting.kill()
            collecting.wait()
        if collecting.returncode != 0:
            raise SandboxError("collecting the static files failed", log)

    def _end_what_kills(self) -> None:
        """No fault of the last time may keep the sandbox from coming up: Redis keeps a copy of the plan, too."""
        Store(self.layout.control).end_what_kills()
        with Redis.from_url(self.environments.control()["REDIS_URL"]) as redis:
            end_what_kills(redis)

    def _start_processes(self) -> None:
        with self.stages.stage("Processes") as notes:
            notes.append(str(sum(process.tier >= Tier.TAILS for process in PROCESSES)))
            self._spawn(Tier.TAILS, Tier.WORKERS, Tier.FRONT)

    def _spawn(self, *tiers: Tier) -> None:
        processes = [process for process in PROCESSES if process.tier in tiers]
        for process in processes:
            self.start_process(process.name)
        self.wait_healthy(*(process.name for process in processes))

    def _stop_supervisord(self, process: subprocess.Popen[bytes]) -> None:
        for tier in sorted(Tier, reverse=True):
            with contextlib.suppress(SandboxError):  # it may have been killed; then the sweep below finds its children
                self._supervisor.stop_tier(tier)
        with contextlib.suppress(SandboxError):
            self._supervisor.shut_down()
        process.terminate()
        process.wait()
        leftovers.sweep(self.layout)
