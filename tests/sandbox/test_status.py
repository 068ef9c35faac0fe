"""What `sandbox status` prints: its columns fit the longest name."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from sandbox.data import storage
from sandbox.management.commands import sandbox as command
from sandbox.running.supervise import Status
from topology.processes import PROCESSES


class Running:
    """Supervisord's answers, of every process that the sandbox has."""

    def __init__(self, socket: Path) -> None:
        pass

    def is_up(self) -> bool:
        return True

    def statuses(self) -> dict[str, Status]:
        states = ("RUNNING", "STOPPED", "EXITED")
        return {
            one.name: Status(
                name=one.name, state=states[number % 3], pid=number * 7001, since=0, log=f"/logs/{one.name}.log"
            )
            for number, one in enumerate(PROCESSES)
        }


def test_the_columns_of_status_fit_the_longest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "Supervisor", Running)
    monkeypatch.setattr(storage, "control_socket", lambda layout: Path("/nowhere"))
    output = StringIO()
    call_command("sandbox", "status", stdout=output)
    _, *lines = output.getvalue().splitlines()
    assert len(lines) == len(PROCESSES)
    assert {line.index("/logs/") for line in lines} == {lines[0].index("/logs/")}, "a column is not straight"
    for line, process in zip(lines, PROCESSES, strict=True):
        assert line.split()[0] == process.name
        assert line.split()[3] == f"/logs/{process.name}.log"
    states = {line.index(line.split()[1], len(line.split()[0])) for line in lines}
    assert len(states) == 1
