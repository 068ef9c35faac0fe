"""The page /matrix: the failpoint matrix as a grid, and the buttons that start it. The control process runs it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from dashboard.faults.wording import cell_id
from gateway.clients import ServiceDown
from gateway.errors import refused
from gateway.faults_api import control
from gateway.people.operator import is_operator, require_operator
from serving.problems import Problem

TITLES = {
    "command": "The command, or event, is struck",
    "reply": "Its reply is struck",
    "server": "A whole process, API, database or broker is struck",
}
Cell = dict[str, Any]


@dataclass(frozen=True)
class Grid:
    """`points`: (fault point, its actions); `rows`: (message, its cells in that order, None where there is none)."""

    title: str
    points: list[tuple[str, list[str]]]
    rows: list[tuple[str, list[Cell | None]]]


@require_GET
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "matrix/matrix.html", {**_state(), "operator": is_operator(request)})


@require_GET
def grid(request: HttpRequest) -> HttpResponse:
    return render(request, "matrix/matrix.html#grid", _state())


@require_POST
@require_operator
def start(request: HttpRequest) -> HttpResponse:
    """`what`: sample (one cell for each fault point) or all. Any other value is refused."""
    what = request.POST.get("what", "")
    if what not in ("sample", "all"):
        return refused(request, Problem(422, "No such matrix", f"`what` is sample or all, not '{what[:40]}'"))
    try:
        control("POST", "/matrix", params={"sample": what == "sample"})
    except Problem as problem:
        return render(request, "matrix/matrix.html#grid", {**_state(), "refused": problem.detail})
    except ServiceDown as down:
        return render(request, "matrix/matrix.html#grid", {"refused": str(down)})
    return render(request, "matrix/matrix.html#grid", _state())


def _state() -> dict[str, Any]:
    try:
        state = control("GET", "/matrix")
    except (ServiceDown, Problem) as error:
        return {"refused": str(error)}
    result = state["result"] or {}
    return {
        **state,
        "grids": draw(result.get("cells", [])),
        "bad": [one for one in result.get("cells", []) if not one["good"]],
    }


def draw(cells: list[Cell]) -> list[Grid]:
    """The cells as grids, one for each kind of target: messages as rows, points and actions as columns."""
    grids: list[Grid] = []
    named: set[str] = set()
    for on, title in TITLES.items():
        mine = [cell for cell in cells if cell["on"] == on]
        if not mine:
            continue
        actions: dict[str, set[str]] = {}
        for cell in mine:
            actions.setdefault(cell["point"], set()).add(cell["action"])
        points = [(point, sorted(actions[point])) for point in sorted(actions)]
        places = [(point, action) for point, its in points for action in its]
        rows = []
        for row in dict.fromkeys(cell["row"] for cell in mine):
            found = {(cell["point"], cell["action"]): cell for cell in mine if cell["row"] == row}
            for cell in found.values():
                cell["id"] = _id(cell, named)
            rows.append((row, [found.get(place) for place in places]))
        grids.append(Grid(title, points, rows))
    return grids


def _id(cell: Cell, named: set[str]) -> str:
    """The cell's id in the page, by the message that is struck; "" if another cell has it."""
    message = cell["row"].rpartition(" ")[2] + ("Reply" if cell["on"] == "reply" else "")
    found = cell_id(message, cell["point"], cell["action"])
    if found in named:
        return ""
    named.add(found)
    return found
