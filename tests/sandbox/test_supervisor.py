"""The client of a real supervisord, when that refuses."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.running.supervise import Program, Supervisor, configuration, launch
from tests.waiting import wait_until
from topology.processes import Tier

LINGERS = "trap '' TERM; echo $$; while :; do sleep 0.1; done"


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[tuple[Supervisor, subprocess.Popen[bytes], Path]]:
    """A supervisord with one program, which has to be killed: the client, the process, and the program's log."""
    log, file = tmp_path / "log", tmp_path / "supervisord.conf"
    program = Program(
        name="lingers", tier=Tier.FRONT, command=["sh", "-c", LINGERS], directory=tmp_path, log=log, environment={}
    )
    socket = tmp_path / "s"
    file.write_text(configuration([program], socket, tmp_path / "supervisord.log", tmp_path / "pid"))
    process = launch(file, tmp_path, tmp_path / "output")
    try:
        client = Supervisor(socket)
        wait_until(client.is_up, 20, "supervisord to answer")
        yield client, process, log
    finally:
        process.kill()
        process.wait()
        if log.exists() and (pid := log.read_text().strip()):
            os.killpg(int(pid), signal.SIGKILL)


def test_one_that_is_about_to_end_refuses_in_words(
    supervised: tuple[Supervisor, subprocess.Popen[bytes], Path],
) -> None:
    client, process, log = supervised
    client.start(Tier.FRONT, "lingers")
    client.start(Tier.FRONT, "lingers")  # it runs already, and that is no error
    wait_until(lambda: log.read_text().strip(), 10, "the program to run")
    with pytest.raises(SandboxError, match="supervisord refuses startProcess front:unknown: BAD_NAME"):
        client.start(Tier.FRONT, "unknown")
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: not client.is_up(), 10, "supervisord to begin to end")
    assert process.poll() is None, "it waits for its program"
    with pytest.raises(SandboxError, match="supervisord refuses getAllProcessInfo: SHUTDOWN_STATE"):
        client.statuses()
