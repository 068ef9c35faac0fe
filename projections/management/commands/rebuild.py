"""`manage.py rebuild [view]`: rebuild a view (or all) from the services' event logs."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.events.reader import event_apis
from projections.rebuild import RebuildError, Rebuilt, rebuild
from projections.views import VIEWS, named


class Command(BaseCommand):
    help = "Rebuild a view, or all views, from the services' event logs. Projectors may keep running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("view", nargs="?", help=f"one of {', '.join(VIEWS)}; default: all")
        parser.add_argument("--json", action="store_true", help="one JSON object per view, each on a line")

    def handle(self, *args: Any, **options: Any) -> None:
        for view in [named(options["view"])] if options["view"] else VIEWS.values():
            try:
                self._tell(rebuild(view, event_apis(view.sources)), options["json"])
            except RebuildError as error:
                raise CommandError(str(error)) from error

    def _tell(self, done: Rebuilt, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(done.as_json()))
            return
        by_source = ", ".join(f"{source} {count:,}" for source, count in done.sources.items())
        skipped = f"; {done.skipped:,} skipped, see the log" if done.skipped else ""
        self.stdout.write(f"{done.view}: {done.events:,} events ({by_source}) in {done.seconds:.2f} s{skipped}")
