"""Open-loop traffic: a request leaves when its time has come, whether or not earlier ones have been answered.

A closed loop, which waits for each answer, asks less often when the answers are slow and so hides what those who wait would feel.
Bounded: at most 50 a second for at most 60 s, and it ends by itself.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

MOST_PER_S = 50.0
LONGEST_S = 60.0


class TooMuch(ValueError):
    """More traffic than is allowed; the text says the limit."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it was due, in s from the beginning; how long after that it was answered; the outcome."""

    way: str
    due_s: float
    took_ms: float
    outcome: str

    @property
    def is_good(self) -> bool:
        return self.outcome == GOOD


GOOD = "answered"


async def run(ask: Callable[[int], Awaitable[str]], *, way: str, per_s: float, seconds: float) -> list[Sample]:
    """Call `ask` with 0, 1, 2 ... at a fixed pace. It returns an outcome, GOOD if all was well; an exception's name is one, too.

    The samples are in the order in which the requests were due. The time of one counts from when it was due. Raises TooMuch.
    """
    if not 0 < per_s <= MOST_PER_S:
        raise TooMuch(f"traffic of more than 0 and at most {MOST_PER_S:g} requests a second, not {per_s:g}")
    if not 0 < seconds <= LONGEST_S:
        raise TooMuch(f"traffic for more than 0 and at most {LONGEST_S:g} s, not {seconds:g}")
    began = time.monotonic()

    async def one(number: int) -> Sample:
        due = number / per_s
        await asyncio.sleep(max(began + due - time.monotonic(), 0))
        try:
            outcome = await ask(number)
        except Exception as error:  # what a client meets is what is measured
            outcome = type(error).__name__
        return Sample(way, round(due, 4), round((time.monotonic() - began - due) * 1000, 2), outcome)

    return await asyncio.gather(*(one(number) for number in range(max(round(per_s * seconds), 1))))
