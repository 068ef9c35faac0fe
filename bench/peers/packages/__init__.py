"""What Restate and DBOS need, installed on demand under .sandbox/peers/: an environment with the pinned packages of
requirements.txt, and Restate's server from the Node package that package-lock.json pins. The product requires none of it.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
AT = HERE.parents[2] / ".sandbox" / "peers"
BASE = str(getattr(sys, "_base_executable", sys.executable))
MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


class Unavailable(RuntimeError):
    """A peer cannot run here; the message is the reason."""


def python() -> Path:
    """The interpreter of the environment with both SDKs, of the same Python as ours. Raises Unavailable."""
    venv = AT / "venv"
    pins = HERE / "requirements.txt"
    if not _is_current(venv, pins, BASE):
        shutil.rmtree(venv, ignore_errors=True)
        _run([BASE, "-m", "venv", str(venv)], "no virtual environment could be made")
        pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "-r", str(pins)], "the packages could not be installed")
        _mark(venv, pins, BASE)
    return venv / "bin" / "python"


def restate_server() -> Path:
    """The program, from its package for this machine. Raises Unavailable: without Node there is none to be had."""
    lock, node = HERE / "package-lock.json", AT / "node"
    kind = f"{platform.system().lower()}-{MACHINES.get(platform.machine().lower(), platform.machine())}"
    found = node / "node_modules" / "@restatedev" / f"restate-server-{kind}" / "bin" / "restate-server"
    if not (_is_current(node, lock, kind) and found.exists()):
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            raise Unavailable("Restate's server is a Node package, and there is no node and npm on the PATH")
        shutil.rmtree(node, ignore_errors=True)
        node.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, node)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
        _run(command, "Restate's server could not be installed", cwd=node)
        if not found.exists():
            raise Unavailable(f"there is no server of Restate for {kind}")
        _mark(node, lock, kind)
    return found


def _run(command: Sequence[str], failure: str, cwd: Path = HERE) -> None:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{failure}: {said[-1] if said else f'exit status {done.returncode}'}")


def _mark(place: Path, pins: Path, kind: str) -> None:
    (place / ".installed").write_text(_checksum(pins, kind))


def _is_current(place: Path, pins: Path, kind: str) -> bool:
    mark = place / ".installed"
    return mark.exists() and mark.read_text() == _checksum(pins, kind)


def _checksum(pins: Path, kind: str) -> str:
    return hashlib.sha256(pins.read_bytes() + kind.encode()).hexdigest()
