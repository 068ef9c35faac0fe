"""Starting and stopping one more program of the running sandbox, for its control process (control/on_demand/machine.py)."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from control import health
from control.on_demand.machine import MachineError
from control.setup.provision import admin_url, roles_of
from sandbox.data import storage
from sandbox.data.backup import known
from sandbox.errors import SandboxError
from sandbox.layout import is_free
from sandbox.machine.accounts import postgres_account
from sandbox.machine.postgres import Clusters
from sandbox.running import waiting
from sandbox.running.supervise import Status, Supervisor
from topology.parts import Kind
from topology.processes import BY_NAME, HOUSE, Process
from topology.tuning import Seconds

LOOK_S: Seconds = 0.1  # between two looks whether a program works: a person watches it start
PATIENCE_S: Seconds = 240.0  # with a program that starts, and with a set-up; as `make run` has
ROOT = Path(__file__).resolve().parents[2]


class Local:
    """The sandbox of SANDBOX_PORT in this checkout, by its supervisord. `environment` is the control process's."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._layout = storage.layout_of(ROOT, int(environment["SANDBOX_PORT"]))
        self._environment = environment

    @property
    def _supervisor(self) -> Supervisor:
        socket = storage.control_socket(self._layout)
        if socket is None:
            raise MachineError(f"there is no supervisord at {self._layout.state}")
        return Supervisor(socket)

    def states(self) -> Mapping[str, Status]:
        with _worded():
            return self._supervisor.statuses()

    def start(self, program: Process) -> bool:
        if self.states()[program.name].is_wanted:
            return False
        port = self._layout.ports.get(program.name)
        if port and not is_free(port):
            raise MachineError(f"port {port}, which {program.name} needs, is taken by another program")
        with _worded():
            if program.kind == Kind.POSTGRES:
                self._make(program.instance)
            if program.health == "heartbeat":  # the last beat of its predecessor would pass for its own
                health.forget_heartbeat(self._environment["REDIS_URL"], program.name)
            self._supervisor.start(program.tier, program.name)
        return True

    def wait(self, *programs: Process, works: Callable[[Process], None]) -> None:
        with _worded():
            waiting.until_healthy(
                self._supervisor,
                list(programs),
                self._layout,
                self._environment,
                PATIENCE_S,
                works=works,
                look_s=LOOK_S,
            )

    def stop(self, program: Process) -> None:
        with _worded():
            self._supervisor.stop(program.tier, program.name)

    def discard(self, instance: str) -> None:
        with _worded():
            Clusters(storage.postgres_home(self._layout), postgres_account()).remove(instance)

    def is_set_up(self, instance: str) -> bool:
        try:
            return self._mark(instance).read_text() == _version(instance)
        except OSError:
            return False

    def set_up(self, instance: str) -> None:
        """By a separate program, which alone has the passwords of the instance's roles, and exits."""
        if self.is_set_up(instance):
            return
        program = BY_NAME[f"init-{instance}"]
        with _worded():
            self._supervisor.start(program.tier, program.name)
        deadline = time.monotonic() + PATIENCE_S
        while (status := self.states()[program.name]).is_wanted:
            if time.monotonic() > deadline:
                self.stop(program)
                raise MachineError(f"setting up {instance} took more than {PATIENCE_S:.0f} s", status.log)
            time.sleep(0.1)
        if status.state != "EXITED" or status.exit:
            raise MachineError(f"setting up {instance} failed", status.log)
        self._mark(instance).write_text(_version(instance))

    def _make(self, instance: str) -> None:
        clusters = Clusters(storage.postgres_home(self._layout), postgres_account())
        password = str(conninfo_to_dict(admin_url(self._environment, instance)).get("password") or "")
        clusters.copy_template(instance, password, self._layout.log("initdb"))
        clusters.clear_stale_pid(instance)

    def _mark(self, instance: str) -> Path:
        """In the data directory, so that it stays with the data."""
        return storage.postgres_home(self._layout) / instance / "sagabox.set_up"


def _version(instance: str) -> str:
    """What a set-up depends on: the code's migrations, and the house's roles, databases and publications on the instance."""
    here = HOUSE.databases_on(instance)
    services = [service for one in here for service in HOUSE.services_in(one.alias)]
    return hashlib.sha256(repr((known(), roles_of(instance), here, services)).encode()).hexdigest()


@contextmanager
def _worded() -> Iterator[None]:
    try:
        yield
    except SandboxError as error:
        raise MachineError(error.reason, str(error.log or "")) from error
    except OSError as error:
        raise MachineError(str(error)) from error
