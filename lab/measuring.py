"""Measures exhibits, one after another. A figure is kept with the load of the machine and the faults that were armed."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

import httpx
from redis import Redis

from lab import figures
from lab.exhibits import COMPOSITION, EXHIBITS, REPLICAS
from lab.figures import Figure
from lab.reads import measuring as reads
from lab.reads.measuring import Value
from lab.reads.replicas import measuring as replicas

MEASURES: Mapping[str, Callable[[httpx.Client, Callable[[str], None]], Iterator[Value]]] = {
    COMPOSITION.name: reads.measure,
    REPLICAS.name: replicas.measure,
}
"""Exhibit -> what measures it."""


def measure(http: httpx.Client, redis: Redis, exhibits: Sequence[str], say: Callable[[str], None]) -> list[Figure]:
    """Measure these, or all if none is named. `http`: of an operator, at the front door. Raises httpx.HTTPError, RedisError."""
    found = []
    for name in exhibits or EXHIBITS:
        for way, figure, value, unit, count in MEASURES[name](http, say):
            load = round(os.getloadavg()[0], 1)
            one = Figure(name, way, figure, value, unit, count, figures.now(), _faults(http), load)
            figures.keep(redis, one)
            found.append(one)
    return found


def _faults(http: httpx.Client) -> tuple[str, ...]:
    """What is armed now, in words."""
    armed = http.get("/api/faults").raise_for_status().json()["faults"]
    live = [one for one in armed if one["state"] in ("armed", "fired")]
    return tuple(" ".join(filter(None, (one["action"], "at", one["point"], one["service"]))) for one in live)
