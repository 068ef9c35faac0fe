"""Waiting in tests: for a condition, with a deadline; never for a length of time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(fn: Callable[[], T], timeout: float = 10, message: str = "the condition") -> T:
    """Call `fn` until it returns something true, and return that. Raises AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        found = fn()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s still waiting for {message}; last seen: {found!r}")
        time.sleep(0.01)
