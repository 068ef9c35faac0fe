"""What a sandbox keeps, holds and leaves behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sandbox import guard, leftovers, storage
from sandbox.errors import AlreadyRunning
from sandbox.layout import Layout, taken
from sandbox.secret_store import NAMES, load_or_create
from sandbox.supervise import MARK
from tests.waiting import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def lives(process: psutil.Process) -> bool:
    """An orphan that has ended stays a zombie until init gets round to it; it serves nobody any more."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_secrets_are_made_once_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secrets.env"
    made = load_or_create(path)
    assert set(made) == set(NAMES)
    assert len(set(made.values())) == len(NAMES)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create(path) == made


def test_a_second_sandbox_is_told_about_the_first(tmp_path: Path) -> None:
    layout = Layout(tmp_path, 8123)
    with storage.lock(layout):
        with pytest.raises(
            AlreadyRunning, match=rf"already running at http://127.0.0.1:8123/ \(process {os.getpid()}\)"
        ):
            storage.lock(layout)
        storage.lock(Layout(tmp_path, 8124)).close()
    storage.lock(layout).close()


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert taken({"web": port}) == {"web": port}
    assert taken({"web": port}) == {}


def test_leftovers_are_known_by_their_mark_and_nobody_else_is_touched(tmp_path: Path) -> None:
    mine = subprocess.Popen(SLEEP, env={**os.environ, MARK: str(tmp_path)})
    other = subprocess.Popen(SLEEP, env={**os.environ, MARK: f"{tmp_path}-other"})
    standing = subprocess.Popen(SLEEP, cwd=tmp_path)  # as a person's shell might
    try:
        wait_until(lambda: [process.pid for process in leftovers.find(tmp_path, [tmp_path])] == [mine.pid])
        assert leftovers.end(leftovers.find(tmp_path, [tmp_path])) == []
        assert mine.poll() is not None
        assert other.poll() is None
        assert standing.poll() is None
    finally:
        for child in (mine, other, standing):
            child.kill()
            child.wait()


def test_the_guard_acts_when_its_parent_is_killed(tmp_path: Path) -> None:
    ward = subprocess.Popen(SLEEP)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    script = f"import signal; from sandbox import guard; guard.start([{ward.pid}], signal.SIGTERM, ['{scratch}'])"
    script += "; print(flush=True); input()"
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(guard.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert parent.stdout
        parent.stdout.readline()
        assert ward.poll() is None
        parent.kill()
        assert ward.wait(10) == -signal.SIGTERM
        wait_until(lambda: not scratch.exists())
    finally:
        ward.kill()
        parent.kill()
        parent.communicate()


def test_a_dismissed_guard_signals_nobody() -> None:
    ward = subprocess.Popen(SLEEP)
    try:
        guard.dismiss(guard.start([ward.pid], signal.SIGTERM))
        assert ward.poll() is None
    finally:
        ward.kill()
        ward.wait()


def test_servers_of_a_killed_test_run_end_with_it(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from sandbox.testing import infrastructure\n"
        f"with infrastructure(pathlib.Path({str(tmp_path / 'servers')!r})): print('up', flush=True); sys.stdin.read()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(guard.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert run.stdout
        assert run.stdout.readline() == b"up\n"
        servers = [child for child in psutil.Process(run.pid).children() if child.name().startswith(leftovers.SERVERS)]
        assert len(servers) == 6
        run.kill()
        wait_until(lambda: not any(lives(server) for server in servers), 30)
    finally:
        run.kill()
        run.communicate()
