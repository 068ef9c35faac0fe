"""The matrix' page: cells become grids, whatever is missing; and what it says when nobody answers."""

from typing import Any

from dashboard.matrix import draw


def cell(row: str, point: str, action: str, on: str = "command") -> dict[str, Any]:
    return {"row": row, "point": point, "action": action, "on": on, "good": True}


def test_cells_become_grids() -> None:
    grids = draw(
        [
            cell("a", "bus", "drop"),
            cell("a", "answer", "refuse"),
            cell("b", "bus", "delay"),
            cell("c", "api", "down", "server"),
        ]
    )
    assert [grid.points for grid in grids] == [
        [("answer", ["refuse"]), ("bus", ["delay", "drop"])],
        [("api", ["down"])],
    ]
    names = [(row, [one and one["action"] for one in cells]) for row, cells in grids[0].rows]
    assert names == [("a", ["refuse", None, "drop"]), ("b", [None, "delay", None])]


def test_no_cells_no_grids() -> None:
    assert draw([]) == []
