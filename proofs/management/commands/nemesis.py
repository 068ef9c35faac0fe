"""`manage.py nemesis`: break everything while buyers compete for seats, then check the history; or check a stored one."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from audit.reader import SilentError
from faults import Mechanism
from proofs import running
from proofs.history import Entry, HistoryError, Recorder, load
from proofs.house import House, NotInTime
from proofs.nemesis.check import Violation, check
from proofs.nemesis.report import summary, write_report
from proofs.nemesis.run import Asked, run


class Command(BaseCommand):
    help = "Buyers, and a seeded nemesis. Exit status 0: nothing violated. --check FILE validates a history, offline."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bookings", type=int, default=200)
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--width", type=int, default=10, help="buyers at a time")
        parser.add_argument(
            "--strikes", type=int, default=-1, help="kills, restarts, stops; default bookings / 40, at least 8"
        )
        parser.add_argument(
            "--without",
            action="append",
            default=[],
            choices=[str(one) for one in Mechanism],
            help="a mechanism to switch off",
        )
        parser.add_argument(
            "--directory", default="", help="for history.jsonl and report.html; default .sandbox/<PORT>/nemesis"
        )
        parser.add_argument(
            "--check", default="", metavar="FILE", help="validate this history instead; needs no sandbox"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            return self._check(Path(options["check"]))
        if options["bookings"] < 1 or options["width"] < 1:
            raise CommandError("--bookings and --width are at least 1")
        layout = running.layout()
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        directory = Path(options["directory"] or layout.state / "nemesis" / f"{stamp}-seed-{options['seed']}")
        directory.mkdir(parents=True, exist_ok=True)
        asked = Asked(
            bookings=options["bookings"], seed=options["seed"], width=options["width"], strikes=options["strikes"],
            without=tuple(options["without"]),
        )  # fmt: skip
        house = House(layout.url, settings.OPERATOR_TOKEN)
        console = Console()
        try:
            with (
                (directory / "history.jsonl").open("w") as file,
                Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
            ):
                task = progress.add_task("buyers", total=100)
                entries = run(
                    layout, house, settings.API_URLS, Recorder(file), asked,
                    lambda percent, what: progress.update(task, completed=percent, description=what),
                )  # fmt: skip
        except (running.NoSandbox, NotInTime, SilentError) as error:
            raise CommandError(str(error)) from error
        finally:
            house.close()
        violations = check(entries)
        write_report(directory / "report.html", entries, violations)
        self._tell(entries, violations)
        self.stdout.write(f"{directory}/history.jsonl, report.html")
        return self._end(violations)

    def _check(self, path: Path) -> None:
        try:
            entries = load(path)
        except (HistoryError, OSError) as error:
            raise CommandError(f"{path}: {error}") from error
        violations = check(entries)
        self._tell(entries, violations)
        self._end(violations)

    def _tell(self, entries: list[Entry], violations: list[Violation]) -> None:
        for name, value in summary(entries).items():
            self.stdout.write(f"{name:<24}{value if isinstance(value, str | int | float) else json.dumps(value)}")
        for violation in violations[:40]:
            self.stdout.write(f"VIOLATED {violation.rule}: {violation.what} {' '.join(violation.bookings)}".rstrip())
        self.stdout.write(f"{len(violations)} violated")

    def _end(self, violations: list[Violation]) -> None:
        if violations:
            raise SystemExit(1)
