"""The bench's result as a table for people and JSON for machines."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.peers.catalogue import PEERS
from bench.results import SAGABOX, SEASON, Key, Results, Spread

LEAST_SHOWN = 0.05  # milliseconds of processor time a booking


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
    console.print(machine())
    to.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(one), "limit": one.limit, "met": one.met} for one in figures]
    to.write_text(json.dumps({"figures": rows, "machine": machine()}, indent=2))
    console.print(f"JSON: {to}")


def show_bench(results: Results) -> None:
    """Print what was measured: rates, lone bookings, processor time, ratios and what was skipped."""
    console = Console(width=140)
    rates = _table(
        "Bookings per second: median (least to most of the rounds)", "system", "clients", "moment", "per second"
    )
    for key, bulks in results.bulks.items():
        for moment, spread in results.rates(key).items():
            rates.add_row(title(key, results), str(bulks[0].clients), moment, shown(spread))
    lone = _table("A lone booking, milliseconds: median (least to most of the rounds)", "system", "moment", "ms")
    for system, house in results.lones:
        for moment, spread in results.lone_ms(system, house).items():
            lone.add_row(title((system, house, ""), results), moment, shown(spread, 1))
    console.print(rates, lone)
    for key, bulks in results.bulks.items():
        cpu = results.cpu_ms(key)
        parts = ", ".join(f"{name} {spent:.2f}" for name, spent in cpu.items() if spent >= LEAST_SHOWN)
        idle = f"; idle {bulks[0].idle_ms:.0f} ms/s, taken off" if bulks[0].idle_ms else ""
        console.print(
            f"{title(key, results)}: {sum(cpu.values()):.2f} ms of processor time a booking: {parts}{idle}",
            soft_wrap=True,
        )
    ratios = _table("Sagabox against others", "ratio", "value")
    for name, value in results.ratios().items():
        ratios.add_row(name, "not measured" if value is None else f"{value:.2f}")
    console.print(ratios)
    for system, reason in results.skipped.items():
        console.print(f"{system} skipped: {reason}", soft_wrap=True)
    console.print(f"others used {others(results):.0%} of the processors at the median; {machine()}", soft_wrap=True)


def write_bench(results: Results, about: dict[str, Any], to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps({**about, "machine": machine(), **results.as_dict()}, indent=2) + "\n")


def title(key: Key, results: Results) -> str:
    """A system's name for people."""
    system, house, way = key
    if system != SAGABOX:
        return PEERS[system].title
    past = next((bulks[0].past for (one, at, _), bulks in results.bulks.items() if (one, at) == (system, house)), 0)
    return ", ".join(filter(None, ("Sagabox", f"{past:,} past bookings" if house == SEASON else "", way)))


def shown(spread: Spread, digits: int = 0) -> str:
    """`98 (95 to 101)`"""
    if spread.least == spread.most:
        return f"{spread.median:,.{digits}f}"
    return f"{spread.median:,.{digits}f} ({spread.least:,.{digits}f} to {spread.most:,.{digits}f})"


def others(results: Results) -> float:
    """The share of the processors that others used while something was measured: the median, 0 to 1."""
    return median([bulk.others for bulks in results.bulks.values() for bulk in bulks] or [0.0])


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _table(heading: str, *columns: str) -> Table:
    table = Table(title=heading, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 or column == "moment" else "right")
    return table
