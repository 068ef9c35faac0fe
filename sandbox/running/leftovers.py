"""Processes of an earlier sandbox that outlived it, because its supervisor was killed, say.

They are found by their properties, not by pids in a file: another process may have the pid meanwhile.
"""

import contextlib
import shutil
from pathlib import Path

import psutil

from sandbox.data.storage import SOCKET_PREFIX, control_socket, postgres_home
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.running.supervise import MARK, Supervisor
from topology.processes import EVERY_INSTANCE, Tier

SERVERS = ("postgres", "redis", "valkey")


def find(state: Path, directories: list[Path]) -> list[psutil.Process]:
    """Processes that carry our mark, or whose working directory is one of `directories`.

    PostgreSQL and Redis overwrite their environment with a status line, but they stay in their data directory.
    """
    me = psutil.Process().pid
    return [process for process in psutil.process_iter() if process.pid != me and _belongs(process, state, directories)]


def end(processes: list[psutil.Process], patience: float = 10) -> list[psutil.Process]:
    """SIGTERM, and after `patience` seconds SIGKILL. Returns the processes that are still there."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    return list(psutil.wait_procs(alive, timeout=5)[1])


def _belongs(process: psutil.Process, state: Path, directories: list[Path]) -> bool:
    try:
        if process.name().startswith(SERVERS):  # a shell that stands in a data directory is none of ours
            return Path(process.cwd()) in directories
        return process.environ().get(MARK) == str(state)
    except (psutil.Error, OSError):
        return False


def directories_of(layout: Layout) -> list[Path]:
    """The working directories of PostgreSQL and Redis of this sandbox."""
    home = postgres_home(layout)
    return [layout.state / "redis", *(home / instance for instance in EVERY_INSTANCE)]


def clean_up(layout: Layout) -> int:
    """End what an earlier run left behind, in order if its supervisord still answers. Returns how many there were.

    The caller holds the lock, so their sandbox is dead.
    """
    found = find(layout.state, directories_of(layout))
    socket = control_socket(layout)
    if found and socket and socket.exists():
        supervisor = Supervisor(socket)
        with contextlib.suppress(SandboxError):
            for tier in sorted(Tier, reverse=True):
                supervisor.stop_tier(tier)
            supervisor.shut_down()
    sweep(layout)
    if socket and socket.parent.name.startswith(SOCKET_PREFIX):
        shutil.rmtree(socket.parent, ignore_errors=True)
    return len(found)


def sweep(layout: Layout) -> None:
    """End all processes of this sandbox that still run, and raise if one does not end."""
    if stubborn := end(find(layout.state, directories_of(layout))):
        pids = ", ".join(str(process.pid) for process in stubborn)
        raise SandboxError(f"processes {pids} of the sandbox at {layout.url} are still running and cannot be ended")
