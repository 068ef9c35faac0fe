"""The matrix for a terminal: a grid a way, messages down, points and actions across."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

SHORT = {
    "crash": "cr", "delay": "de", "drop": "dr", "duplicate": "x2", "error": "er", "hang": "ha", "hold": "ho",
    "reorder": "re", "refuse": "no", "pause": "pa", "down": "dn", "cancel": "ca",
}  # fmt: skip

TITLES = {
    "command": "The command (or event) is struck",
    "reply": "Its reply is struck",
    "server": "A whole process or server is struck",
}


def grids(cells: list[dict[str, Any]]) -> Iterable[Table]:
    """One table for the commands, one for their replies, one for whole processes and servers."""
    for on, title in TITLES.items():
        mine = [cell for cell in cells if cell["on"] == on]
        if mine:
            yield _grid(title, mine)


def _grid(title: str, cells: list[dict[str, Any]]) -> Table:
    columns = sorted({(cell["point"], cell["action"]) for cell in cells})
    points = sorted({point for point, _ in columns})
    table = Table(title=title, title_justify="left", pad_edge=False)
    table.add_column("message", no_wrap=True)
    for point in points:
        table.add_column(point.replace(".", "\n"))
    for row in dict.fromkeys(cell["row"] for cell in cells):
        mine = {(cell["point"], cell["action"]): cell for cell in cells if cell["row"] == row}
        table.add_row(row, *(_marks(point, columns, mine) for point in points))
    return table


def _marks(point: str, columns: list[tuple[str, str]], mine: dict[tuple[str, str], dict[str, Any]]) -> Text:
    text = Text()
    for place in columns:
        if place[0] == point:
            cell = mine.get(place)
            style = "dim" if cell is None else "green" if cell["good"] else "bold red"
            text.append(f"{SHORT.get(place[1], place[1]) if cell else '· '} ", style)
    return text


LEGEND = ", ".join(f"{short} {action}" for action, short in SHORT.items())


def complaint(cell: dict[str, Any]) -> str:
    """A cell that is not as designed, in a line."""
    why = (
        cell["error"]
        or ", ".join(cell["verdict"])
        or f"ended {cell['ended'] or 'nowhere'} after {cell['attempts']} attempts"
    )
    return (
        f"{cell['row']} | {cell['column']}: {why}; by design {cell['expected']} (booking {cell['booking'] or 'none'})"
    )
