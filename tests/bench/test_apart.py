"""A measurement has a process of its own; what goes wrong in it is reported in a sentence."""

import os

import pytest

from bench.apart import Failed, apart
from sandbox.errors import SandboxError


def add(one: int, other: int) -> tuple[int, int]:
    return one + other, os.getpid()


def refuse() -> None:
    raise SandboxError("port 8000 cannot be had")


def fail() -> None:
    raise ValueError("of no use")


def end() -> None:
    os._exit(3)


def test_the_result_comes_from_another_process() -> None:
    total, pid = apart(add, 1, other=2)
    assert total == 3
    assert pid != os.getpid()


def test_what_goes_wrong_is_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failed, match=r"^port 8000 cannot be had$"):
        apart(refuse)
    assert capfd.readouterr().err == ""
    with pytest.raises(Failed, match=r"^ValueError: of no use$"):
        apart(fail)
    assert "Traceback" in capfd.readouterr().err


def test_a_process_that_ends_early_is_noticed() -> None:
    with pytest.raises(Failed, match="ended with status 3"):
        apart(end)
