"""The comparison: a row for each way, a cell for each figure, with its age; what was not measured yet says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lab.exhibits import EXHIBITS, GROUPS, Column, Exhibit, Way
from lab.figures import Figure


@dataclass(frozen=True, slots=True)
class Cell:
    """`figure`: None if it was not measured. `age`: of it, in words. `applies`: the exhibit has this figure at all."""

    figure: Figure | None
    age: str = ""
    title: str = ""
    applies: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    exhibit: Exhibit
    way: Way
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """The ways of one group. `columns` are those of its exhibits, in their order, without repetition."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]


def tables(found: Mapping[str, Figure], exhibits: Sequence[Exhibit] | None = None) -> list[Table]:
    """One for each group that has an exhibit. `found`: as figures.latest returns it."""
    chosen = list(EXHIBITS.values()) if exhibits is None else exhibits
    made = []
    for group, title in GROUPS.items():
        here = [one for one in chosen if one.group == group]
        columns = {column.name: column for one in here for column in one.columns}
        rows = [Row(one, way, [_cell(found, one, way, name) for name in columns]) for one in here for way in one.ways]
        if rows:
            made.append(Table(title, list(columns.values()), rows))
    return made


def _cell(found: Mapping[str, Figure], exhibit: Exhibit, way: Way, name: str) -> Cell:
    figure = found.get(f"{exhibit.name}/{way.name}/{name}")
    if figure is None:
        return Cell(None, applies=any(column.name == name for column in exhibit.columns))
    under = f"; under {', '.join(figure.faults)}" if figure.faults else ""
    title = f"{figure.count} measured, {figure.at}, load {figure.load:g}{under}"
    return Cell(figure, age(figure.age_s(datetime.now(UTC))), title)


def age(seconds: float) -> str:
    """How long ago, in the largest unit that fits."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"
