"""Holds the page's table of functions and tests (dashboard.panel.functions.WORK) against what the suite runs.

A pytest plugin: whenever a test runs that the table names, its calls are watched, and it fails unless it calls the function.
Costs nothing else anything. sys.setprofile sees the calls of the test's own thread, which is where these tests work.
"""

import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from dashboard.panel.functions import WORK, source

ROOT = Path(__file__).resolve().parent.parent


class Watched:
    """Notes whether any of these functions is called: {(file, first line): dotted name}."""

    def __init__(self, functions: set[str]) -> None:
        self.missing = set(functions)
        self._places: dict[tuple[str, str], str] = {}
        for function in functions:
            found = source(function)
            self._places[(str(ROOT / found.path), function.rpartition(".")[2])] = function

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            self.missing.discard(self._places.get((code.co_filename, code.co_name), ""))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    named = {work.function for work in WORK.values() if work.test == item.nodeid.partition("[")[0]}
    if not named:
        return (yield)
    watched, before = Watched(named), sys.getprofile()
    sys.setprofile(watched)
    try:
        result = yield
    finally:
        sys.setprofile(before)
    assert not watched.missing, f"{item.nodeid} is named for {watched.missing}, but does not call it"
    return result
