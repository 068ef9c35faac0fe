"""The environment of each process: the twelve-factor side of `processes.py`. Pure functions of ports and secrets."""

import os
from collections.abc import Mapping
from pathlib import Path

from sandbox.address import Front
from sandbox.processes import (
    ALIASES,
    INIT,
    INSTANCE_OF,
    INSTANCES,
    ROLES,
    SERVICES,
    Process,
    console_url,
    keys_of_service,
    password_key,
)

Environment = dict[str, str]
SERVICE_NAMES = (*SERVICES, "projections", "journal", "web")


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
        """For a person's second shell, where any of the service's commands may be typed."""
        values = self.values(service)
        return {key: values[key] for key in (*keys_of_service(service), "API_URL_WEB")}

    def control(self) -> Environment:
        """The superuser and all owners: for setting up, and for tests."""
        return self.of_process(INIT)

    def url(self, instance: str, role: str, database: str) -> str:
        """A libpq URL. Secrets are hexadecimal, so nothing needs quoting."""
        return f"postgresql://{role}:{self.secrets[password_key(role)]}@127.0.0.1:{self.ports[f'postgres-{instance}']}/{database}"

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
            "CONTROL_STATE": str(self.control_state),
            "STATIC_ROOT": str(self.static_root or ""),
            "API_URL_WEB": f"http://{self.front.reach}:{self.ports['web']}",
            "API_URL_CONTROL": f"http://127.0.0.1:{self.ports['control']}",
            "API_URL_JOURNAL": f"http://127.0.0.1:{self.ports['api-journal']}",
        }
        apis = {f"API_URL_{name.upper()}": f"http://127.0.0.1:{self.ports[f'api-{name}']}" for name in SERVICES}
        admins = {f"ADMIN_URL_{name.upper()}": self.url(name, "postgres", "postgres") for name in INSTANCES}
        passwords = {password_key(role): self.secrets[password_key(role)] for role in ROLES}
        consoles = {console_url(name): self.url(name, f"{name}_console", name) for name in INSTANCES}
        return common | apis | admins | passwords | consoles | self._databases(service) | self._replication(service)

    def _databases(self, service: str) -> Environment:
        """The owner's URL of each database, except for the web, which may only look."""
        return {
            f"DATABASE_URL_{alias.upper()}": self.url(INSTANCE_OF[alias], "web" if service == "web" else alias, alias)
            for alias in ALIASES
        }

    def _replication(self, service: str) -> Environment:
        """A relay reads its own service's log with its own role; the recorder reads all five with another."""
        roles = {name: f"{name}_relay" if service == name in SERVICES else "recorder" for name in INSTANCES}
        return {f"REPLICATION_URL_{name.upper()}": self.url(name, role, name) for name, role in roles.items()}
