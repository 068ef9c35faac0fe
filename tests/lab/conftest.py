"""The lab's tests share one sandbox; a rig opens once a module."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live import Live
from tests.waiting import wait_until


def rig_of(live: Live, name: str) -> dict[str, Any]:
    return next(one for one in live.http.get("/api/lab").json()["rigs"] if one["name"] == name)


def change(live: Live, name: str, verb: str) -> dict[str, Any]:
    """Open a rig, close it or start it over, and wait until that is done."""
    answer = live.http.post(f"/api/lab/rigs/{name}/{verb}")
    assert answer.status_code == 202, answer.text
    return wait_until(lambda: (found := rig_of(live, name))["step"] == "" and found, 60, f"the rig to {verb}")


@pytest.fixture(scope="module")
def open_rig(live: Live) -> Iterator[Callable[[str], dict[str, Any]]]:
    opened: list[str] = []

    def open_one(name: str) -> dict[str, Any]:
        opened.append(name)
        return change(live, name, "open")

    yield open_one
    for name in opened:
        if rig_of(live, name)["state"] != "closed":
            change(live, name, "close")
