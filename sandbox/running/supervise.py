"""supervisord: its configuration from the list of processes, and a client for its XML-RPC over a Unix socket."""

import http.client
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from sandbox.errors import SandboxError
from topology.processes import Tier

MARK = "SAGABOX_STATE"  # each process of a sandbox has this variable: the state directory it belongs to

# The variables that our processes keep from the shell's environment. No others: a DATABASE_URL in a shell must not
# reach a process that was given none.
INHERITED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
)


@dataclass(frozen=True, kw_only=True)
class Program:
    """One [program:x] section. `user` is the account to run as; "" is supervisord's own."""

    name: str
    tier: Tier
    command: list[str]
    directory: Path
    log: Path
    environment: Mapping[str, str]
    user: str = ""
    stop_signal: str = "TERM"
    stop_patience: int = 10
    ends: bool = False  # it is not started again when it has ended


@dataclass(frozen=True, kw_only=True)
class Status:
    """What supervisord knows of a process. `pid` is 0 unless it runs; `since` is the epoch second of its last start.

    `exit` is the status it ended with, if it has ended by itself; 0 else.
    """

    name: str
    state: str
    pid: int
    since: int
    log: str
    exit: int = 0

    @property
    def is_wanted(self) -> bool:
        """It runs, or supervisord is about to start it again."""
        return self.state in ("STARTING", "RUNNING", "BACKOFF")


def configuration(programs: Iterable[Program], socket: Path, log: Path, pid_file: Path) -> str:
    """The text of supervisord.conf. A group is a tier: supervisord stops groups by falling priority, each at once."""
    programs = list(programs)
    head = {
        "unix_http_server": {"file": socket, "chmod": "0700"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface",
        },
        "supervisord": {
            "nodaemon": "true", "silent": "true", "pidfile": pid_file,
            "logfile": log, "logfile_maxbytes": "5MB", "logfile_backups": 1,
            **({"user": "root"} if os.geteuid() == 0 else {}),  # else it warns of running as root
        },
    }  # fmt: skip
    groups = {
        f"group:{tier.name.lower()}": {
            "programs": ",".join(program.name for program in programs if program.tier == tier),
            "priority": int(tier),
        }
        for tier in sorted({program.tier for program in programs})
    }
    sections: dict[str, Any] = head | groups | {f"program:{program.name}": _program(program) for program in programs}
    return "\n".join(_section(title, options) for title, options in sections.items())


def _program(program: Program) -> dict[str, Any]:
    environment = ",".join(f'{key}="{value}"' for key, value in program.environment.items())
    return {
        "command": shlex.join(program.command),
        "directory": program.directory,
        "environment": environment,
        "autostart": "false",
        "autorestart": "false" if program.ends else "true",
        "startsecs": 0 if program.ends else 1,
        # A killed PostgreSQL may refuse a while, until its last orphaned backend has gone.
        "startretries": 0 if program.ends else 1_000_000,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_patience,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(program.log).replace("%", "%%"),  # it alone is expanded twice
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": 1,
        **({"user": program.user} if program.user else {}),
    }


def _section(title: str, options: Mapping[str, Any]) -> str:
    lines = [f"[{title}]", *(f"{key}={str(value).replace('%', '%%')}" for key, value in options.items())]
    return "\n".join(lines) + "\n"


def launch(configuration_file: Path, state: Path, output: Path) -> subprocess.Popen[bytes]:
    """Start supervisord as our child, in a session of its own: Ctrl-C is for us, and we stop things in their order."""
    environment = {key: os.environ[key] for key in INHERITED if key in os.environ}
    environment |= {MARK: str(state), "PYTHONUNBUFFERED": "1"}
    with output.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox.running.supervisord", "-c", str(configuration_file)],
            cwd=Path(__file__).resolve().parents[2],
            env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip


class Supervisor:
    """Client of a running supervisord. Raises SandboxError when none answers on the socket, or when it refuses, as one does that
    is about to end."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def _call(self, method: str, *arguments: Any) -> Any:
        # A connection each: the transport does not recover one that failed, nor may two threads share it.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            return getattr(xmlrpc.client.ServerProxy("http://127.0.0.1", transport).supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise SandboxError(f"supervisord does not answer: {error}") from error
        except xmlrpc.client.Fault as error:
            what = " ".join([method, *map(str, arguments[:1])])
            raise SandboxError(f"supervisord refuses {what}: {error.faultString}") from error
        finally:
            transport.close()

    def pid(self) -> int:
        return int(self._call("getPID"))

    def is_up(self) -> bool:
        try:
            return self.pid() > 0
        except SandboxError:
            return False

    def statuses(self) -> dict[str, Status]:
        keys = {
            "name": "name",
            "state": "statename",
            "pid": "pid",
            "since": "start",
            "log": "stdout_logfile",
            "exit": "exitstatus",
        }
        rows = self._call("getAllProcessInfo")
        return {row["name"]: Status(**{ours: row[theirs] for ours, theirs in keys.items()}) for row in rows}

    def start(self, tier: Tier, name: str) -> None:
        """Spawn it, unless it is on its way already; whether it then works is for health.py to say."""
        self._tolerating("ALREADY_STARTED", "startProcess", f"{tier.name.lower()}:{name}", False)

    def stop(self, tier: Tier, name: str) -> None:
        """Stop it and wait until it is gone."""
        self._tolerating("NOT_RUNNING", "stopProcess", f"{tier.name.lower()}:{name}", True)

    def stop_tier(self, tier: Tier) -> None:
        """Stop its processes at once, and wait until all are gone."""
        self._call("stopProcessGroup", tier.name.lower(), True)

    def shut_down(self, patience: float = 10) -> None:
        """End supervisord itself, whose processes have been stopped before."""
        self._call("shutdown")
        deadline = time.monotonic() + patience
        while self.is_up() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _tolerating(self, fault: str, method: str, *arguments: Any) -> None:
        try:
            self._call(method, *arguments)
        except SandboxError as error:
            refused = error.__cause__
            if not isinstance(refused, xmlrpc.client.Fault) or not refused.faultString.startswith(fault):
                raise
