"""Measures data replication, through the front door: the same question as composition's, and what copies cost besides."""

import asyncio
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from lab import traffic
from lab.figures import percentile
from lab.reads.measuring import ASKS, NETWORK_MS, RATE, ROUNDS, SECONDS, Value

WAY = "replica"
RENAMES = 20
PATH = "/api/lab/replicas/door-list"


def measure(http: httpx.Client, say: Callable[[str], None]) -> Iterator[Value]:
    """The figures of exhibits.REPLICAS. `http`: of an operator, at the front door. Raises httpx.HTTPError."""
    _ask(http, max(ASKS))
    took: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        say(f"Data replication: round {number + 1} of {ROUNDS}")
        for rows, asks in ASKS.items():
            found = [_ask(http, rows)["took_ms"] for _ in range(asks)]
            took.setdefault(f"p50_{rows}", []).append(percentile(found, 50))
        took.setdefault("network_10", []).append(_ask(http, 10, network_ms=NETWORK_MS)["took_ms"])
    counts = {f"p50_{rows}": asks * ROUNDS for rows, asks in ASKS.items()} | {"network_10": ROUNDS}
    for name, values in took.items():
        yield WAY, name, round(statistics.median(values), 1), "ms", counts[name]
    yield WAY, "calls_10", float(_ask(http, 10)["calls"]), "", 1
    say(f"Data replication: {RATE:g} questions a second")
    good = [one.took_ms for one in asyncio.run(_at_a_pace(http)) if one.is_good]
    if good:
        yield WAY, "p95_20", round(percentile(good, 95), 1), "ms", len(good)
    say("Data replication: renames")
    seen = [_post(http, "/api/lab/replicas/rename")["seen_ms"] for _ in range(RENAMES)]
    in_time = [one for one in seen if one is not None]
    if in_time:
        yield WAY, "fresh_50", percentile(in_time, 50), "ms", len(in_time)
    say("Data replication: a rebuild")
    done = _post(http, "/api/lab/replicas/customers/rebuild")
    if done["events"] and not done["failure"]:
        yield WAY, "rebuilt_s", round(done["events"] / done["seconds"]), "", 1
    copies = http.get("/api/lab/replicas").raise_for_status().json()["replicas"]
    yield WAY, "copy_kb", round(sum(one["bytes"] for one in copies) / 1024), "kB", 1


def _ask(http: httpx.Client, rows: int, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = http.get(PATH, params={"limit": rows, **more}).raise_for_status().json()
    return found


def _post(http: httpx.Client, path: str) -> dict[str, Any]:
    found: dict[str, Any] = http.post(path).raise_for_status().json()
    return found


async def _at_a_pace(http: httpx.Client) -> list[traffic.Sample]:
    async with httpx.AsyncClient(base_url=http.base_url, headers=http.headers, timeout=http.timeout) as many:

        async def one(number: int) -> str:
            answer = await many.get(PATH, params={"limit": 1})
            return traffic.GOOD if answer.is_success else str(answer.status_code)

        return await traffic.run(one, way=WAY, per_s=RATE, seconds=SECONDS)
