"""What was measured, as values: a row for each system, medians over the rounds, and the ratios."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

SAGABOX = "sagabox"
EMPTY, SEASON = "empty", "season"
REQUEST, GROUPED = "one a request", "grouped"
CONFIRMED, VIEWS, INDEXED, COMPLETE = "confirmed", "views converged", "journal and index caught up", "complete"
GENERATOR = "generator"
"""The load itself, and who waits for its end: in this process."""
CHAINS = ("celery_two", "celery_solo")


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """Many bookings at once, in one round. `seconds`: moment -> since the first was asked for. `cpu_ms`: program -> processor
    time a booking. `load`: the load average before; `others`: the share of the processors (0 to 1) that others used meanwhile.
    """

    system: str
    bookings: int
    clients: int
    seconds: dict[str, float]
    cpu_ms: dict[str, float]
    load: float
    others: float
    house: str = ""
    way: str = REQUEST
    past: int = 0
    idle_ms: float = 0.0

    @property
    def rates(self) -> dict[str, float]:
        return {moment: self.bookings / seconds for moment, seconds in self.seconds.items()}


@dataclass(frozen=True, kw_only=True)
class Lone:
    """Bookings one after the other, in one round: moment -> milliseconds from the request, each. Of Sagabox the first one is the
    first booking after a start."""

    system: str
    samples_ms: dict[str, list[float]] = field(repr=False)
    load: float
    house: str = ""


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A peer that cannot run here, and why."""

    system: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One figure over the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median=median(values), least=min(values), most=max(values))


Key = tuple[str, str, str]
"""System, house, way."""


class Results:
    """All that was measured in one run of the bench."""

    def __init__(self, measured: Iterable[Bulk | Lone | Skipped]) -> None:
        self.bulks: dict[Key, list[Bulk]] = defaultdict(list)
        self.lones: dict[tuple[str, str], list[Lone]] = defaultdict(list)
        self.skipped: dict[str, str] = {}
        for one in measured:
            if isinstance(one, Bulk):
                self.bulks[one.system, one.house, one.way].append(one)
            elif isinstance(one, Lone):
                self.lones[one.system, one.house].append(one)
            else:
                self.skipped[one.system] = one.reason

    def rates(self, key: Key) -> dict[str, Spread]:
        """Moment -> bookings a second."""
        rounds = [bulk.rates for bulk in self.bulks.get(key, [])]
        return {moment: Spread.of([rates[moment] for rates in rounds]) for moment in (rounds[0] if rounds else ())}

    def cpu_ms(self, key: Key) -> dict[str, float]:
        """Program -> processor time a booking, the greediest first."""
        rounds = [bulk.cpu_ms for bulk in self.bulks.get(key, [])]
        names = dict.fromkeys(name for cpu in rounds for name in cpu)
        medians = {name: median([cpu.get(name, 0.0) for cpu in rounds]) for name in names}
        return dict(sorted(medians.items(), key=lambda item: -item[1]))

    def lone_ms(self, system: str, house: str = "") -> dict[str, Spread]:
        """Moment -> the median of a lone booking."""
        rounds = [
            {moment: median(some) for moment, some in one.samples_ms.items() if some}
            for one in self.lones[system, house]
        ]
        return {moment: Spread.of([one[moment] for one in rounds]) for moment in (rounds[0] if rounds else ())}

    def first_ms(self, house: str) -> tuple[float, float] | None:
        """Click to views of the first booking after a start, and of the tenth: medians over the rounds."""
        rounds = [one.samples_ms[VIEWS] for one in self.lones.get((SAGABOX, house), [])]
        if not rounds or min(map(len, rounds)) < 10:
            return None
        return median(one[0] for one in rounds), median(one[9] for one in rounds)

    @property
    def best_chain(self) -> str:
        """The quicker form of the Celery chain, "" where none was measured."""
        found = {name: self._rate((name, "", REQUEST), COMPLETE) for name in CHAINS}
        known = {name: rate for name, rate in found.items() if rate}
        return max(known, key=lambda name: known[name], default="")

    def ratios(self) -> dict[str, float | None]:
        """Sagabox against others: bookings a second over theirs, a lone booking's time over Restate's. None: not measured.

        Sagabox is complete when all views have converged; in an empty house, one start a request, unless the name says otherwise.
        """
        views = self._rate((SAGABOX, EMPTY, REQUEST), VIEWS)
        grouped = self._rate((SAGABOX, EMPTY, GROUPED), VIEWS)
        chain = self._rate((self.best_chain, "", REQUEST), COMPLETE)
        lone, theirs = self.lone_ms(SAGABOX, EMPTY).get(VIEWS), self.lone_ms("restate").get(COMPLETE)
        first = self.first_ms(EMPTY)
        return {
            "celery_chain": _over(views, chain),
            **{
                name: _over(views, self._rate((name, "", REQUEST), COMPLETE))
                for name in ("restate", "dbos", "three_commits")
            },
            "lone_restate": _over(lone.median if lone else None, theirs.median if theirs else None),
            "grouped_celery_chain": _over(grouped, chain),
            "season": _over(self._rate((SAGABOX, SEASON, REQUEST), VIEWS), views),
            "first_tenth": _over(*first) if first else None,
        }

    def _rate(self, key: Key, moment: str) -> float | None:
        found = self.rates(key).get(moment)
        return found.median if found else None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "throughput": [self._row(key) for key in self.bulks],
            "lone_ms": [
                {
                    "system": system,
                    "house": house,
                    **{moment: vars(spread) for moment, spread in self.lone_ms(system, house).items()},
                }
                for system, house in self.lones
            ],
            "first_and_tenth_ms": {house: self.first_ms(house) for system, house in self.lones if system == SAGABOX},
            "ratios": self.ratios(),
            "skipped": self.skipped,
        }

    def _row(self, key: Key) -> dict[str, Any]:
        system, house, way = key
        bulks = self.bulks[key]
        cpu = self.cpu_ms(key)
        return {
            "system": system,
            "house": house,
            "way": way,
            "bookings": bulks[0].bookings,
            "clients": bulks[0].clients,
            "past": bulks[0].past,
            "rates": {moment: vars(spread) for moment, spread in self.rates(key).items()},
            "rounds": [bulk.rates for bulk in bulks],
            "cpu_ms": cpu,
            "cpu_ms_total": sum(cpu.values()),
            "idle_ms_per_s": median(bulk.idle_ms for bulk in bulks),
            "load": [bulk.load for bulk in bulks],
            "others": [bulk.others for bulk in bulks],
        }


def _over(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None
