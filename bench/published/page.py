"""`python -m bench page`: writes the figures of the last run of the bench into docs/performance.md, and their chart."""

import argparse
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.peers.catalogue import LIMITS, PEERS
from bench.published.chart import Bar, Panel, chart
from bench.results import COMPLETE, CONFIRMED, EMPTY, GENERATOR, INDEXED, SAGABOX, SEASON, VIEWS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "bench.svg"
BLOCK = re.compile(r"(<!-- figures: [^\n]* -->\n).*?(<!-- end of figures -->)", re.DOTALL)
LEAST_MS = 0.1  # of processor time a booking: what is less is added up
Row = dict[str, Any]
# Ratio -> what it is of, and what it is to be.
GOALS = {
    "celery_chain": ("views converged, against the Celery chain", ">= 2"),
    "restate": ("views converged, against Restate", ">= 2.5"),
    "dbos": ("views converged, against DBOS", ""),
    "three_commits": ("views converged, against three bare commits", ""),
    "grouped_celery_chain": ("views converged with grouped starts, against the Celery chain", ">= 3"),
    "lone_restate": ("a lone booking's time until its views converge, against Restate's lone", "<= 2.5"),
    "season": ("bookings a second in the house with past bookings, against the empty one", ">= 0.9"),
    "first_tenth": ("the first booking after a start, against the tenth", "<= 2"),
}


def main(words: list[str]) -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench page", description=__doc__)
    arguments.add_argument("file", nargs="?", type=Path, default=ROOT / ".sandbox" / "bench.json")
    options = arguments.parse_args(words)
    if not options.file.exists():
        sys.exit(f"there is no {options.file}: `make bench` writes it")
    results = json.loads(options.file.read_text())
    PICTURE.write_text(picture(results))
    PAGE.write_text(renewed(PAGE.read_text(), results))
    print(f"{PAGE}\n{PICTURE}")


def renewed(page: str, results: Row) -> str:
    """The page with these figures in place of those that it has."""
    if not BLOCK.search(page):
        raise ValueError("the page has no place for the figures: <!-- figures: ... --> and <!-- end of figures -->")
    text = "\n\n".join([_about(results), _rates(results), _lone(results), _costs(results), _ratios(results)])
    return BLOCK.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page)


def picture(results: Row) -> str:
    rates = [_bar(row, row["rates"], VIEWS) for row in results["throughput"] if row["system"] not in LIMITS]
    lone = [_bar(row, row, VIEWS) for row in results["lone_ms"] if row["system"] not in LIMITS]
    return chart(
        [
            Panel(title="Bookings a second; Sagabox until all views have converged (more is better)", bars=rates),
            Panel(
                title="A lone booking, ms; Sagabox until all views have converged (less is better)", bars=lone, digits=1
            ),
        ],
        about="Sagabox compared with what people would use instead: bookings a second, and a lone booking's time",
    )


def _bar(row: Row, moments: Row, moment: str) -> Bar:
    spread = moments.get(moment) or moments[COMPLETE]
    ours = row["system"] == SAGABOX
    return Bar(label=_name(row), value=spread["median"], least=spread["least"], most=spread["most"], ours=ours)


def _about(results: Row) -> str:
    machine, loads = results["machine"], [load for row in results["throughput"] for load in row["load"]]
    shares = [share for row in results["throughput"] for share in row["others"]]
    size = f"{results['rounds']} rounds of {results['bookings']:,} bookings a measurement"
    size += f", in an empty house and with at least {results['past']:,} past bookings" if results["past"] else ""
    rest = f"load average {min(loads):.1f} to {max(loads):.1f} before the measurements" if loads else ""
    busy = f"other programs used {min(shares):.0%} to {max(shares):.0%} of the processors during them" if shares else ""
    lines = [
        f"Measured {results['at']} on {machine}; {size}; {rest}; {busy}. The whole took {results['seconds'] / 60:.0f} minutes."
    ]
    lines += [f"{PEERS[name].title} was skipped: {reason}" for name, reason in results["skipped"].items()]
    return "\n\n".join(lines)


def _rates(results: Row) -> str:
    moments = (CONFIRMED, VIEWS, INDEXED)
    rows = []
    for row in results["throughput"]:
        rates = row["rates"]
        cells = [_spread(rates.get(moment)) for moment in moments]
        if COMPLETE in rates:
            cells = [_spread(rates[COMPLETE]), "", ""]
        rows.append([_name(row), row["clients"], *cells, f"{row['cpu_ms_total']:.1f}"])
    heads = ["Bookings a second", "clients", *(f"{moment}" for moment in moments), "processor ms a booking"]
    return _table(heads, rows)


def _lone(results: Row) -> str:
    rows = []
    for row in results["lone_ms"]:
        done = row.get(CONFIRMED) or row.get(COMPLETE)
        rows.append([_name(row), _spread(done, 1), _spread(row.get(VIEWS), 1)])
    return _table(["A lone booking, ms", CONFIRMED, VIEWS], rows)


def _costs(results: Row) -> str:
    """Where a booking's processor time goes in Sagabox, by program."""
    ours = [row for row in results["throughput"] if row["system"] == SAGABOX]
    names = dict.fromkeys(name for row in ours for name, spent in row["cpu_ms"].items() if spent >= LEAST_MS)
    rows = [[name, *(f"{row['cpu_ms'].get(name, 0):.2f}" for row in ours)] for name in names if name != GENERATOR]
    small = [sum(spent for name, spent in row["cpu_ms"].items() if name not in names) for row in ours]
    rows += [["all others", *(f"{spent:.2f}" for spent in small)]]
    rows += [[f"{GENERATOR} (the load itself)", *(f"{row['cpu_ms'].get(GENERATOR, 0):.2f}" for row in ours)]]
    rows += [["**in all**", *(f"**{row['cpu_ms_total']:.2f}**" for row in ours)]]
    rows += [["idle, ms a second (taken off above)", *(f"{row['idle_ms_per_s']:.0f}" for row in ours)]]
    return _table(["Processor ms a booking", *map(_name, ours)], rows)


def _ratios(results: Row) -> str:
    rows = []
    for name, (what, goal) in GOALS.items():
        value = results["ratios"].get(name)
        rows.append([f"`{name}`", what, "not measured" if value is None else f"{value:.2f}", goal])
    return _table(["Ratio", "of what", "measured", "goal"], rows)


def _name(row: Row) -> str:
    if row["system"] != SAGABOX:
        return PEERS[row["system"]].title
    house = {EMPTY: "empty house", SEASON: "with past bookings"}[row["house"]]
    return ", ".join(filter(None, ("Sagabox", house, row.get("way", ""))))


def _spread(spread: Row | None, digits: int = 0) -> str:
    if spread is None:
        return ""
    middle, least, most = (f"{spread[name]:,.{digits}f}" for name in ("median", "least", "most"))
    return middle if least == most else f"{middle} ({least} to {most})"


def _table(heads: list[str], rows: Iterable[list[Any]]) -> str:
    rows = list(rows)
    numbers = [all(str(row[column])[:1] in ("", *"*0123456789") for row in rows) for column in range(len(heads))]
    lines = [heads, ["---:" if number else "---" for number in numbers], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
