"""`manage.py hostile`: sends thousands of hostile requests; no 5xx, no process dies, nothing unaccepted is written."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from proofs import running
from proofs.house import House


class Command(BaseCommand):
    help = "Hostile input to every API and the socket of the running sandbox. Exit status 0: all is well."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--cases", type=int, default=1000)
        parser.add_argument("--seed", type=int, default=7)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from proofs.hostile.whole import run
        except ImportError as error:
            raise CommandError(f"{error.name} is not installed; make test brings it") from error
        layout = running.layout()
        try:
            supervisor = running.supervisor(layout)
        except running.NoSandbox as error:
            raise CommandError(str(error)) from error
        house, console = House(layout.url), Console()
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("cases", total=options["cases"])
            found = run(
                house, settings.API_URLS, options["cases"], options["seed"],
                lambda: {name: status.pid for name, status in supervisor.statuses().items()},
                lambda: progress.advance(task),
            )  # fmt: skip
        house.close()
        for status, count in sorted(found.outcome.statuses.items()):
            self.stdout.write(f"{status}  {count}")
        for failure in found.failures[:50]:
            self.stdout.write(f"NOT WELL {failure}")
        self.stdout.write(f"{found.outcome.cases} cases, {len(found.failures)} not well")
        if found.failures:
            raise SystemExit(1)
