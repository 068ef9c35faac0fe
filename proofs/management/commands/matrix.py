"""`manage.py matrix`: break each message at each point in each way, and check that the booking ends as designed."""

import json
import threading
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from proofs import running
from proofs.house import House, NotInTime
from proofs.matrix.cells import cells, one_for_each_point
from proofs.matrix.grid import LEGEND, complaint, grids
from proofs.matrix.run import Result
from proofs.matrix.whole import NotReady, run_all


class Command(BaseCommand):
    help = "One booking for each message x fault point x action. Exit: 0 all as designed, 1 not, 2 it could not run."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="", help="the sandbox; default http://127.0.0.1:$PORT")
        parser.add_argument("--only", default="", help="cells whose row or column contains this: 'TakePayment', 'bus'")
        parser.add_argument("--sample", action="store_true", help="one quick cell for each fault point")
        parser.add_argument(
            "--width", type=int, default=6, help="how many cells run in parallel, where they do not disturb each other"
        )
        parser.add_argument("--output", default="", help="JSON; default: where the page /matrix reads it")
        parser.add_argument(
            "--list",
            action="store_true",
            dest="only_list",
            help="list the cells and the expected outcomes; runs nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = [cell for cell in cells() if options["only"] in f"{cell.row.name} {cell.column}"]
        if options["sample"]:
            chosen = one_for_each_point(chosen)
        if options["only_list"]:
            return self._list(chosen)
        if not chosen:
            raise CommandError(f"no cell's row or column contains {options['only']!r}; --list shows them")
        layout = running.layout()
        house = House(options["url"] or layout.url, settings.OPERATOR_TOKEN)
        output = Path(options["output"] or layout.control / "matrix.json")
        console = Console()
        try:
            with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
                task = progress.add_task("cells", total=len(chosen))
                shown = _Shown(output, len(chosen))

                def finished(result: Result) -> None:
                    shown.add(result)
                    progress.advance(task)

                found = run_all(house, chosen, options["width"], finished)
        except (NotReady, NotInTime) as error:
            raise CommandError(str(error), returncode=2) from error
        finally:
            house.close()
        write(output, found)
        for table in grids(found["cells"]):
            console.print(table)
        console.print(LEGEND, style="dim")
        for cell in found["cells"]:
            if not cell["good"]:
                console.print(complaint(cell), style="red")
        console.print(
            f"{found['good']} cells as designed, {found['bad']} not; the verdict {found['verdict']}. {output}"
        )
        if found["bad"] or found["verdict"] != "holds":
            raise SystemExit(1)
        return None

    def _list(self, chosen: list[Any]) -> None:
        from proofs.matrix.expect import expected

        for cell in chosen:
            self.stdout.write(f"{cell.row.name} | {cell.column}: {expected(cell).text()}")


class _Shown:
    """Writes the cells for the page as they are finished, at most once a second."""

    def __init__(self, path: Path, total: int) -> None:
        self._path, self._total, self._lock, self._at = path, total, threading.Lock(), 0.0
        self._cells: list[dict[str, Any]] = []

    def add(self, result: Result) -> None:
        with self._lock:
            self._cells.append(result.as_dict())
            if time.monotonic() - self._at > 1:
                self._at = time.monotonic()
                write(self._path, {"total": self._total, "ended_at": "", "cells": self._cells})


def write(path: Path, found: dict[str, Any]) -> None:
    """At once: a reader sees the old result or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(found, indent=1))
    draft.replace(path)
