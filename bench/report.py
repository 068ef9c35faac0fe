"""The bench's result as a table for people and JSON for machines."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """`bookings` complete ones in `seconds`; `until` describes what complete means."""

    name: str
    bookings: int
    seconds: float
    until: str

    @property
    def rate(self) -> float:
        return self.bookings / self.seconds


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Of lone bookings, one after the other, in milliseconds."""

    name: str
    samples_ms: list[float] = field(repr=False)

    def percentile(self, share: float) -> float:
        return percentile(self.samples_ms, share)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A measured value with its limit: at `most`, or at `least`; neither for a value that is only reported."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool:
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def limit(self) -> str:
        if self.most is not None:
            return f"at most {self.most:g}"
        return f"at least {self.least:g}" if self.least is not None else ""


def percentile(samples: list[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def show_figures(figures: list[Figure], to: Path) -> None:
    """Print each figure with its limit, and write them as JSON."""
    table = Table(title="The live page", title_justify="left")
    for column in ("what", "measured", "limit", "", "of which"):
        table.add_column(column, justify="right" if column in ("measured", "limit") else "left")
    for one in figures:
        verdict = "" if not one.limit else "met" if one.met else "MISSED"
        table.add_row(one.name, f"{one.value:.4g} {one.unit}".strip(), one.limit, verdict, one.note)
    console = Console(width=150)
    console.print(table)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    console.print(machine)
    to.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(one), "limit": one.limit, "met": one.met} for one in figures]
    to.write_text(json.dumps({"figures": rows, "machine": machine}, indent=2))
    console.print(f"JSON: {to}")


def show(throughputs: list[Throughput], latencies: list[Latency], costs: dict[str, float], peer: str, to: Path) -> None:
    """Print both tables; the ratio is each row's best rate over the best rate of the row named `peer`."""
    base = max(row.rate for row in throughputs if row.name == peer)
    table = Table(title="Bookings per second, complete", title_justify="left")
    for column in ("system", "bookings", "seconds", "per second", f"against {peer}", "complete when"):
        table.add_column(column, justify="left" if column in ("system", "complete when") else "right")
    for row in throughputs:
        table.add_row(
            row.name, str(row.bookings), f"{row.seconds:.2f}", f"{row.rate:.0f}", f"{row.rate / base:.2f}", row.until
        )
    delays = Table(title="A lone booking, milliseconds", title_justify="left")
    for column in ("system", "samples", "p50", "p95"):
        delays.add_column(column, justify="left" if column == "system" else "right")
    for one in latencies:
        delays.add_row(one.name, str(len(one.samples_ms)), f"{one.percentile(0.5):.1f}", f"{one.percentile(0.95):.1f}")
    console = Console(width=120)
    console.print(table, delays)
    greedy = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in costs.items() if milliseconds >= 0.05)
    console.print(f"CPU milliseconds a booking: {sum(costs.values()):.2f} in all; {greedy}", soft_wrap=True)
    console.print(
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(
        json.dumps(
            {
                "throughput": [{**asdict(row), "rate": row.rate, "ratio": row.rate / base} for row in throughputs],
                "latency_ms": [
                    {"name": one.name, "p50": one.percentile(0.5), "p95": one.percentile(0.95)} for one in latencies
                ],
                "cpu_ms_a_booking": costs,
                "machine": {
                    "cores": os.cpu_count(),
                    "system": platform.platform(),
                    "python": platform.python_version(),
                },
            },
            indent=2,
        )
    )
    console.print(f"JSON: {to}")
