"""Runs many cells: several in parallel if they do not disturb each other, then the verdict over all of them."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from proofs.house import House, NotInTime, wait_for
from proofs.matrix.cells import Cell
from proofs.matrix.run import Result, run

Progress = Callable[[Result], object]
REST_S = 90.0


class NotReady(RuntimeError):
    """The sandbox cannot take a matrix; the text says why."""


def run_all(house: House, cells: list[Cell], width: int, progress: Progress = lambda result: None) -> dict[str, Any]:
    """Run each cell; returns {"started_at", "ended_at", "verdict", "cells", "good", "bad"}. Raises NotReady."""
    if not house.ready():
        raise NotReady("not every part of the sandbox is ready; see /readyz")
    started = _now()
    performance, seats = house.announce("Failpoint matrix", len(cells))
    house.clear_all()
    together = [(cell, seats.pop()) for cell in cells if not cell.alone]
    by_themselves = [(cell, seats.pop()) for cell in cells if cell.alone]
    results = []

    def one(pair: tuple[Cell, str]) -> Result:
        result = run(house, performance, *pair)
        progress(result)
        return result

    with ThreadPoolExecutor(width) as pool:
        results += list(pool.map(one, together))
    for pair in by_themselves:
        results.append(one(pair))
        wait_for(house.ready, REST_S, "every part to be back")
    verdict = _verdict(house)
    _blame(results, verdict)
    good = sum(result.good for result in results)
    return {
        "started_at": started,
        "ended_at": _now(),
        "verdict": verdict.get("status", "no answer"),
        "good": good,
        "bad": len(results) - good,
        "cells": [result.as_dict() for result in results],
    }


def _verdict(house: House) -> dict[str, Any]:
    """The auditor's, once nothing is pending any more; else as it stands after REST_S."""
    try:
        return wait_for(lambda: _settled(house.verdict()), REST_S, "the verdict")
    except NotInTime:
        return house.verdict()


def _settled(verdict: dict[str, Any]) -> dict[str, Any]:
    return verdict if verdict.get("status") in ("holds", "violated") else {}


def _blame(results: Iterable[Result], verdict: dict[str, Any]) -> None:
    """Assign violations to the cells whose bookings they name."""
    for invariant in verdict.get("invariants", []):
        named = {one for piece in invariant["evidence"] for one in piece["bookings"]}
        for result in results:
            if invariant["status"] == "violated" and result.booking in named:
                result.verdict.append(invariant["name"])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
