"""`python sandbox/machine/venv.py <venv> <run|dev>`: the virtual environment with exactly the pinned packages, and Redis.

Made, or brought up to date, by one at a time: the others wait. What was installed is remembered as a checksum of the pins, so
that an up-to-date environment costs nothing. `dev` is a superset of `run` (requirements-dev.txt is resolved against
requirements.txt), so either serves `make run`.

If it is interrupted, by Ctrl-C, a power cut or SIGKILL, the next call recreates it: a mark shows that one was under
way. Needs nothing but Python's own library; venv.sh chooses the Python that runs it.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
OBTAIN = Path(__file__).resolve().parent / "redis_server" / "obtain.py"
BASE = str(getattr(sys, "_base_executable", sys.executable))  # an environment's own Python goes away with it
PINS = {"run": "requirements.txt", "dev": "requirements-dev.txt"}


def main(venv: Path, kind: str) -> None:
    with lock(venv) as held:
        if not is_whole(venv, kind):
            remove(venv)
        if is_installed(venv, kind):
            run(held, "", venv / "bin/python", OBTAIN, "install", venv)
            return
        run(held, "", BASE, OBTAIN, "check")
        if not venv.exists():
            make(venv, held)
        (venv / ".installing").touch()
        run(held, "", venv / "bin/python", OBTAIN, "install", venv)
        install(venv, kind, held)
        (venv / ".installing").unlink()


def lock(venv: Path) -> IO[str]:
    """Held for as long as the file is open here or in a child: a pip whose parent was killed is still running."""
    file = venv.with_name(f"{venv.name}.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"Another process is setting up {venv}; waiting for that ...")
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def is_whole(venv: Path, kind: str) -> bool:
    """Whether it was finished once, was not interrupted since, and its Python is still the one it was made for.
    Its programs name the path they were installed at; only checks and tests use those."""
    finished = any((venv / f".installed-{one}").exists() for one in PINS) and not (venv / ".installing").exists()
    moved = kind == "dev" and (venv / ".path").exists() and (venv / ".path").read_text() != str(venv.absolute())
    return finished and not moved and has_pip(venv / "bin/python")


def has_pip(python: Path) -> bool:
    """Not so after an upgrade of the Python below it: its packages lie under the number of the old one."""
    look = "import importlib.util, sys; sys.exit(sys.version_info < (3, 11) or not importlib.util.find_spec('pip'))"
    return python.exists() and subprocess.run([python, "-c", look], capture_output=True, check=False).returncode == 0


def remove(venv: Path) -> None:
    if venv.is_symlink():
        venv.unlink()
    elif venv.exists():
        shutil.rmtree(venv)


def is_installed(venv: Path, kind: str) -> bool:
    mark = venv / f".installed-{kind}"
    return mark.exists() and mark.read_text() == checksum(kind)


def checksum(kind: str) -> str:
    return hashlib.sha256((ROOT / PINS[kind]).read_bytes()).hexdigest()


def make(venv: Path, held: IO[str]) -> None:
    say(f"Making a virtual environment in {venv} with {BASE} (Python {sys.version.split()[0]})")
    venv.mkdir()
    (venv / ".installing").touch()
    run(held, "That did not work (on Debian and Ubuntu: apt-get install python3-venv)", BASE, "-m", "venv", venv)
    (venv / ".path").write_text(str(venv.absolute()))


def install(venv: Path, kind: str, held: IO[str]) -> None:
    log, started = venv / "install.log", time.monotonic()
    say(f"Installing the pinned packages of {PINS[kind]} ...")
    options = ["--disable-pip-version-check", "--require-hashes", "-r", ROOT / PINS[kind]]
    with log.open("w") as output:
        command = [*map(str, [venv / "bin/python", "-m", "pip", "install", *options])]
        done = subprocess.run(command, stdout=output, stderr=output, pass_fds=[held.fileno()], check=False)
    if done.returncode != 0:
        print("\n".join(log.read_text(errors="replace").splitlines()[-15:]), file=sys.stderr)
        sys.exit(f"Installing the packages failed; log: {log}")
    for one in ("run", kind):
        (venv / f".installed-{one}").write_text(checksum(one))
    say(f"Installed in {time.monotonic() - started:.0f} s")


def say(text: str) -> None:
    """To standard error, since the reader of standard output may want the output of the next command."""
    print(text, file=sys.stderr, flush=True)


def run(held: IO[str], advice: str, *command: object) -> None:
    """A child that keeps the lock while it lives. It says itself what is wrong."""
    if subprocess.run([*map(str, command)], pass_fds=[held.fileno()], check=False).returncode != 0:
        sys.exit(advice or 1)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2])
    except KeyboardInterrupt:
        sys.exit(130)
