"""When a fault strikes."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from faults.checks import FaultError, number, one_of, whole

MOST_TIMES = 1_000_000


class Kind(StrEnum):
    """How often a fault strikes, of the times that it could."""

    ONCE = "once"
    TIMES = "times"
    PROBABILITY = "probability"
    ALWAYS = "always"  # until cleared or expired


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """When a fault strikes. A *pass* is a matching message (request, heartbeat) reaching the point.

    The first `after` passes are skipped. For the others `probability` decides by a hash of seed and pass number: the
    same seed selects the same passes in every run.
    """

    kind: Kind = Kind.ONCE
    times: int = 1
    probability: float = 1.0
    seed: int = 0
    after: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", one_of(Kind, self.kind, "trigger.kind"))
        whole(self.times, "trigger.times", 1, MOST_TIMES)
        whole(self.after, "trigger.after", 0, MOST_TIMES)
        whole(self.seed, "trigger.seed", 0, 2**31 - 1)
        number(self.probability, "trigger.probability", 0, 1)

    @property
    def limit(self) -> int | None:
        """How often it strikes at most; None: no limit."""
        return {Kind.ONCE: 1, Kind.TIMES: self.times}.get(self.kind)


def trigger_of(data: Mapping[str, Any]) -> Trigger:
    names = [item.name for item in fields(Trigger)]
    unknown = sorted(set(data) - set(names))
    if unknown:
        raise FaultError(f"a trigger has no {', '.join(map(repr, unknown))}; it has {', '.join(names)}")
    return Trigger(**data)
