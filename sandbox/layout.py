"""Where the sandbox of one PORT lives: its directory, and its block of ports."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.machine.address import MOST, Front
from topology.parts import Kind
from topology.processes import HOUSE, Process

# Forty ports a sandbox, below the ranges from which Linux (32768) and macOS (49152) take ports for outgoing connections, so no
# passing connection can sit on one of ours. PORTs less than 300 apart never share a block: 8000 and 8001 go side by side.
# Blocks of an older version lie in the same range and were smaller: where one of another checkout still runs, a port is taken.
FIRST_PORT, BLOCK, BLOCKS = 20_000, 40, 300


@dataclass(frozen=True)
class Layout:
    """Paths and ports, derived from the project's root and the PORT of the front door; nothing is read or written."""

    root: Path
    port: int
    front: Front = field(default_factory=Front)

    @property
    def another_port(self) -> int:
        """To suggest where this one cannot be had."""
        return self.port + 1 if self.port < MOST else self.port - 1

    @property
    def state(self) -> Path:
        return self.root / ".sandbox" / str(self.port)

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def url(self) -> str:
        """The front door's, on this machine."""
        return f"http://{self.front.reach}:{self.port}/"

    @cached_property
    def ports(self) -> dict[str, int]:
        """Process name -> TCP port, for each process that listens: on 127.0.0.1, the front door on `front.host`.

        Raises SandboxError where the house has more of them than a block has ports.
        """
        base = FIRST_PORT + self.port % BLOCKS * BLOCK
        listeners = sorted((one for one in HOUSE.programs if one.listens and one.kind != Kind.PAGES), key=_place)
        if len(listeners) > BLOCK:
            raise SandboxError(
                f"{len(listeners)} programs of this house listen, and a sandbox has {BLOCK} ports for them"
            )
        return {"web": self.port, **{one.name: base + offset for offset, one in enumerate(listeners)}}

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @property
    def control(self) -> Path:
        """Where the control process keeps the fault plan."""
        return self.state / "control"

    @property
    def static(self) -> Path:
        """Where the front door's static files are collected, hashed and compressed."""
        return self.state / "static"

    def environment_file(self, service: str) -> Path:
        return self.state / "env" / f"{service}.env"


def _place(program: Process) -> int:
    """Its place in the block, before or after others. A program on demand moves none of those that always run."""
    if program.on_demand:
        return 6
    if program.kind == Kind.API:
        return 0 if any(one.name == program.service for one in HOUSE.services) else 4
    return {Kind.POSTGRES: 1, Kind.REDIS: 2, Kind.CONTROL: 3}.get(program.kind, 5)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether host:port can be listened on now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: the remains of closed connections (TIME_WAIT) are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def taken(ports: dict[str, int], front: str = "127.0.0.1") -> dict[str, int]:
    """Those of the ports that somebody else listens on; the front door's on the address `front`."""
    hosts = {"web": front}
    return {name: port for name, port in ports.items() if not is_free(port, hosts.get(name, "127.0.0.1"))}


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A free port of the system's choice for each name."""
    sockets = {name: socket.socket() for name in names}
    try:
        for probe in sockets.values():
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in sockets.items()}
    finally:
        for probe in sockets.values():
            probe.close()
