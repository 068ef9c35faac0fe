"""Measures API composition: its ways in turns, through the front door, by the times that the composer itself took."""

import asyncio
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from lab import traffic
from lab.exhibits import COMPOSITION
from lab.figures import percentile
from lab.reads.composition import HOW

ROUNDS = 3
ASKS = {1: 8, 10: 4, 50: 2}
"""Bookings in a question -> how often each way is asked in a round."""
NETWORK_MS = 40
RATE, SECONDS = 20.0, 4.0
Value = tuple[str, str, float, str, int]
"""(way, name of the figure, value, unit, how many measurements)."""


def measure(http: httpx.Client, say: Callable[[str], None]) -> Iterator[Value]:
    """The figures of exhibits.COMPOSITION. `http`: of an operator, at the front door. Raises httpx.HTTPError.

    A round asks each way in turn: what else the machine does falls on all of them alike. A figure is the median of the rounds.
    """
    http.post("/api/lab/composition/bookings").raise_for_status()
    took: dict[tuple[str, str], list[float]] = {}
    calls: dict[str, int] = {}
    for number in range(ROUNDS):
        say(f"{COMPOSITION.title}: round {number + 1} of {ROUNDS}")
        for rows, asks in ASKS.items():
            for how in HOW:
                found = [_ask(http, how, rows) for _ in range(asks)]
                took.setdefault((how, f"p50_{rows}"), []).append(percentile([one["took_ms"] for one in found], 50))
                if rows == 10:
                    calls[how] = found[-1]["calls"]
        for how in HOW:
            slow = _ask(http, how, 10, network_ms=NETWORK_MS)
            took.setdefault((how, "network_10"), []).append(slow["took_ms"])
    counts = {f"p50_{rows}": asks * ROUNDS for rows, asks in ASKS.items()} | {"network_10": ROUNDS}
    for (how, name), values in took.items():
        yield how, name, round(statistics.median(values), 1), "ms", counts[name]
    for how, number in calls.items():
        yield how, "calls_10", float(number), "", ASKS[10] * ROUNDS
    for how in HOW:
        say(f"{COMPOSITION.title}: {COMPOSITION.way(how).title.lower()} at {RATE:g} questions a second")  # type: ignore[union-attr]
        samples = asyncio.run(_at_a_pace(http, how))
        good = [one.took_ms for one in samples if one.is_good]
        if good:
            yield how, "p95_20", round(percentile(good, 95), 1), "ms", len(good)


def _ask(http: httpx.Client, how: str, rows: int, **more: Any) -> dict[str, Any]:
    answer = http.get("/api/lab/composition", params={"how": how, "limit": rows, **more})
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def _at_a_pace(http: httpx.Client, how: str) -> list[traffic.Sample]:
    async with httpx.AsyncClient(base_url=http.base_url, headers=http.headers, timeout=http.timeout) as many:

        async def one(number: int) -> str:
            answer = await many.get("/api/lab/composition", params={"how": how, "limit": 1})
            return traffic.GOOD if answer.is_success else str(answer.status_code)

        return await traffic.run(one, way=how, per_s=RATE, seconds=SECONDS)
