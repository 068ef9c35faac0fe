"""What a sandbox keeps, holds and leaves behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sandbox.data import storage
from sandbox.data.secret_store import NAMES, load_or_create
from sandbox.errors import AlreadyRunning
from sandbox.layout import Layout, taken
from sandbox.machine import room
from sandbox.machine.address import check_place
from sandbox.running import guard, leftovers
from sandbox.running.supervise import MARK, Program, Supervisor, configuration
from tests.waiting import wait_until
from topology.processes import Tier

ROOT = Path(__file__).parents[2]
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
    script = (
        f"import signal; from sandbox.running import guard; guard.start([{ward.pid}], signal.SIGTERM, ['{scratch}'])"
    )
    script += "; print(flush=True); input()"
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
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
        cwd=ROOT,
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


def supervise(program: str, directory: Path, argv: list[str], log: str) -> subprocess.Popen[bytes]:
    """supervisord with all logs, and its own complaints, at `log`."""
    program_of = Program(
        name="talker",
        tier=Tier.WORKERS,
        command=argv,
        directory=directory,
        log=Path(log),
        environment={"PLACE": str(directory)},
    )
    text = configuration([program_of], directory / "s.sock", Path(log), directory / "s.pid")
    (directory / "s.conf").write_text(text)
    with open(log, "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", program, "-c", directory / "s.conf"], cwd=ROOT, stdout=output, stderr=output
        )


TALK = "import time; [print('x' * 100, flush=True) or time.sleep(0.02) for _ in range(100_000)]"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk at hand")
@pytest.mark.parametrize(
    ("program", "survives"), [("sandbox.running.supervisord", True), ("supervisor.supervisord", False)]
)
def test_supervisord_survives_a_full_disk(tmp_path: Path, program: str, survives: bool) -> None:
    """The control: supervisord by itself dies of the report that its log could not be written."""
    running = supervise(program, tmp_path, [sys.executable, "-c", TALK], "/dev/full")
    client = Supervisor(tmp_path / "s.sock")
    try:
        if not survives:
            assert running.wait(20) != 0
            return
        wait_until(client.is_up, 20)
        client.start(Tier.WORKERS, "talker")
        talker = wait_until(lambda: client.statuses()["talker"].pid, 20)
        before = psutil.Process(talker).num_ctx_switches().voluntary
        wait_until(lambda: psutil.Process(talker).num_ctx_switches().voluntary > before + 100, 20)
        assert client.is_up()
        client.stop(Tier.WORKERS, "talker")
    finally:
        running.terminate()
        running.wait(20)


@pytest.mark.parametrize("name", ["50%", "it's %(here)s", "a b", "ä", "결제", "a;b#c", "a=b,c", "[x]{y}(z)&"])
def test_a_directory_may_be_called_almost_anything(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    place.mkdir()
    check_place(place)
    say = "import os, time; print(os.getcwd(), os.environ['PLACE'], flush=True); time.sleep(60)"
    running = supervise("sandbox.running.supervisord", place, [sys.executable, "-c", say], str(place / "log"))
    client = Supervisor(place / "s.sock")
    try:
        wait_until(client.is_up, 20)
        client.start(Tier.WORKERS, "talker")
        wait_until(lambda: f"{place} {place}" in (place / "log").read_text(), 20)
        client.stop(Tier.WORKERS, "talker")
    finally:
        running.terminate()
        running.wait(20)


@pytest.mark.parametrize("name", ['a"b', "a$b", "a`b", "a\\b", "a:b", "a\nb", "a ;b", "a #b"])
def test_a_directory_that_would_be_misread_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="This directory cannot be used") as refused:
        check_place(Path("/home") / name)
    assert "\n" not in str(refused.value)


def test_a_full_disk_is_seen_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert room.full([tmp_path]) is None
    monkeypatch.setattr(room, "LEAST", 10**18)
    assert room.full([tmp_path]) == tmp_path
    assert room.sentence(tmp_path) == f"The disk is full ({tmp_path}): nothing can be stored until there is room"


def manage(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [("sandbox", "status"), ("sandbox", "--help"), ("migrate", "--help"), ("check", "--help")]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_who_has_seen_enough_is_no_error(arguments: tuple[str, ...], unbuffered: str) -> None:
    """`manage.py sandbox status | head -0`"""
    run = manage(*arguments, PORT="8999", PYTHONUNBUFFERED=unbuffered)
    assert run.stdout
    assert run.stderr
    run.stdout.close()
    assert run.stderr.read() == ""
    assert run.wait(30) in (0, 3)


def test_a_command_without_a_sandbox_says_how_to_start_one() -> None:
    _, errors = (run := manage("book", PORT="8999")).communicate(timeout=30)
    assert run.returncode == 1
    assert "No sandbox of PORT 8999 has run here: `make run PORT=8999` starts one" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("port", ["99999", "abc", "-1"])
@pytest.mark.parametrize("command", ["sandbox", "verdict", "book"])
def test_every_command_refuses_a_wrong_port_in_a_sentence(port: str, command: str) -> None:
    _, errors = (run := manage(command, "status", PORT=port)).communicate(timeout=30)
    assert run.returncode == 1
    assert errors == f"PORT is {port!r}; it has to be a number from 1 to 65535, such as 8000\n"
    assert not (ROOT / ".sandbox" / port).exists()
