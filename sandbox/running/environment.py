"""The environment of each process: the twelve-factor side of topology/processes.py. Pure functions of ports and secrets."""

import os
from collections.abc import Mapping
from pathlib import Path

from sandbox.machine.address import Front
from topology.parts import RECORDER, Database, Kind, postgres
from topology.processes import HOUSE, INIT, Process, keys_of_service, password_key
from topology.programs import CHOICE

Environment = dict[str, str]
SERVICE_NAMES = tuple(
    dict.fromkeys(
        [*(one.name for one in HOUSE.every_service), *(role for one in HOUSE.databases for role in one.readers)]
    )
)
"""Each SERVICE that a person may use from a shell."""


class Environments:
    """Builds environments for processes on 127.0.0.1, and for the front door where `front` says.

    `ports`: process name -> port, as in Layout.ports. `secrets`: as in secret_store.NAMES. `control`: the directory in
    which the control process keeps its state, `static` the one of the front door's static files.
    """

    def __init__(
        self,
        ports: Mapping[str, int],
        secrets: Mapping[str, str],
        control: Path,
        static: Path | None = None,
        front: Front | None = None,
    ) -> None:
        self.ports = ports
        self.secrets = secrets
        self.control_state = control
        self.static_root = static
        self.front = front or Front()

    def of_process(self, process: Process) -> Environment:
        values = self.values(process.service)
        return {key: values[key] for key in process.keys}

    def of_service(self, service: str) -> Environment:
        """For a person's shell, to run any of the service's commands."""
        values = self.values(service)
        return {key: values[key] for key in (*keys_of_service(service), "API_URL_WEB")}

    def control(self) -> Environment:
        """The superuser and all owners: for setting up, and for tests."""
        return self.of_process(INIT)

    def url(self, database: Database, role: str) -> str:
        """A libpq URL. Secrets are hexadecimal, so nothing needs quoting."""
        return self._url(database.instance, role, database.name)

    def admin_url(self, instance: str) -> str:
        """The superuser's."""
        return self._url(instance, "postgres", "postgres")

    def _url(self, instance: str, role: str, database: str) -> str:
        return f"postgresql://{role}:{self.secrets[password_key(role)]}@127.0.0.1:{self.ports[postgres(instance)]}/{database}"

    def values(self, service: str) -> Environment:
        """Every key there is, with the value it has for `service`."""
        common = {
            "SERVICE": service,
            "SECRET_KEY": self.secrets["SECRET_KEY"],
            "ALLOWED_HOSTS": ",".join(self.front.names()),
            "FRONT_HOST": self.front.host,
            "PUBLIC_ORIGIN": self.front.origin,
            "FORWARDED_ALLOW_IPS": os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"),
            "DEBUG": "0",
            "REDIS_URL": f"redis://:{self.secrets['REDIS_PASSWORD']}@127.0.0.1:{self.ports['redis']}/0",
            "OPERATOR_TOKEN": self.secrets["OPERATOR_TOKEN"],
            "PORT": str(self.ports["web"]),
            "HOLD_SECONDS": os.environ.get("HOLD_SECONDS", "600"),
            "LETTER_RETRY_S": os.environ.get("LETTER_RETRY_S", "10"),
            "LETTER_LONGEST_RETRY_S": os.environ.get("LETTER_LONGEST_RETRY_S", "300"),
            "JOURNAL_KEEP_ENTRIES": os.environ.get("JOURNAL_KEEP_ENTRIES", "2000000"),
            "JOURNAL_KEEP_BYTES": os.environ.get("JOURNAL_KEEP_BYTES", "20000000000"),
            "VISITOR_RUN_S": os.environ.get("VISITOR_RUN_S", "900"),
            "AUDIT_EVERY_S": os.environ.get("AUDIT_EVERY_S", "300"),
            "RIG_IDLE_S": os.environ.get("RIG_IDLE_S", "600"),
            "CONTROL_STATE": str(self.control_state),
            "SANDBOX_PORT": str(self.ports["web"]),
            "SUPERVISION": "sandbox.running.local.Local",
            "COMPOSE_PROFILES": "",
            "STATIC_ROOT": str(self.static_root or ""),
            "API_URL_WEB": f"http://{self.front.reach}:{self.ports['web']}",
            CHOICE: os.environ.get(CHOICE, ""),
        }
        apis = {one.api_url: self._http(f"api-{one.name}") for one in HOUSE.apis}
        for kind in (Kind.CONTROL, Kind.AUDITOR):  # one program each, or none
            apis[f"API_URL_{kind.name}"] = next((self._http(one.name) for one in HOUSE.programs_of(kind)), "")
        admins = {one.admin_url: self.admin_url(one.name) for one in HOUSE.instances}
        passwords = {password_key(role): self.secrets[password_key(role)] for role in HOUSE.roles}
        consoles = {one.console_url: self.url(one, one.console) for one in HOUSE.journaled}
        replicas = {one.replica_url: self.url(HOUSE.database_of(one.name), one.replicas.role)
                    for one in HOUSE.replicating if one.replicas}  # fmt: skip
        return (
            common
            | apis
            | admins
            | passwords
            | consoles
            | replicas
            | self._databases(service)
            | self._replication(service)
        )

    def _http(self, program: str) -> str:
        return f"http://127.0.0.1:{self.ports[program]}"

    def _databases(self, service: str) -> Environment:
        """The owner's URL of each database. Who may read from any, as the web may, only looks, and so into no other."""
        looks = any(service in one.readers for one in HOUSE.databases)
        return {one.url: self.url(one, service if looks else one.owner) for one in HOUSE.databases}

    def _replication(self, service: str) -> Environment:
        """A relay reads the log of its own service's database with its own role; the recorder reads all with another."""
        relays = {one.database: one.relay for one in HOUSE.services if one.name == service}
        return {one.replication_url: self.url(one, relays.get(one.alias, RECORDER)) for one in HOUSE.journaled}
