"""Figures: values that were measured, with how often, when, and under which faults. Kept in Redis: the newest of each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

import orjson
from redis import Redis

KEY = "lab:figures"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value of `exhibit`'s way `way`, such as calls or p50_10. `count`: of measurements; `at`: ISO 8601, UTC.

    `faults`: what was armed meanwhile, in words. `load`: the machine's load average of a minute at the end.
    """

    exhibit: str
    way: str
    name: str
    value: float
    unit: str
    count: int
    at: str
    faults: tuple[str, ...] = ()
    load: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.exhibit}/{self.way}/{self.name}"

    @property
    def text(self) -> str:
        """The value with its unit, as pages show it."""
        rounded = f"{self.value:,.0f}" if self.value >= 100 or self.value == int(self.value) else f"{self.value:,.1f}"
        return f"{rounded} {self.unit}".strip()

    def age_s(self, now: datetime | None = None) -> float:
        return ((now or datetime.now(UTC)) - datetime.fromisoformat(self.at)).total_seconds()


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of them do not exceed. Raises ValueError if there are none."""
    if not values:
        raise ValueError("a percentile of no values")
    return sorted(values)[max(ceil(len(values) * percent / 100) - 1, 0)]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def as_dict(figure: Figure) -> dict[str, Any]:
    return asdict(figure)


def of_dict(row: Mapping[str, Any]) -> Figure:
    """Raises TypeError, KeyError for what is no figure."""
    return Figure(**{**row, "faults": tuple(row["faults"])})


def keep(redis: Redis, *figures: Figure) -> None:
    """Raises RedisError."""
    if figures:
        redis.hset(KEY, mapping={one.key: orjson.dumps(as_dict(one)) for one in figures})


def latest(redis: Redis, exhibit: str = "") -> dict[str, Figure]:
    """key -> figure, of an exhibit or of all. One that cannot be read counts as not measured. Raises RedisError."""
    found: dict[str, Figure] = {}
    kept: Any = redis.hgetall(KEY)
    for name, text in kept.items():
        try:
            figure = of_dict(orjson.loads(text))
        except (ValueError, TypeError, KeyError):
            continue
        if not exhibit or figure.exhibit == exhibit:
            found[name.decode()] = figure
    return found
