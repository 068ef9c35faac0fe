"""`manage.py replay check`: compare the journal's replay with the live tables, through the front door."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from serving import command_line

EXIT = {"equal": 0, "differs": 1}
NOT_YET = 2


class Command(BaseCommand):
    help = "Compare the replayed state with the live tables. Exit status: 0 equal, 1 differs, 2 not decided yet, 3 "
    "no answer."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["check"])
        parser.add_argument("--json", action="store_true", dest="as_json")
        command_line.add_url(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = command_line.document(command_line.base_url(options), "/api/replay/check")
        self.stdout.write(json.dumps(found, indent=2) if options["as_json"] else _told(found))
        raise SystemExit(EXIT.get(found["status"], NOT_YET))


def _told(found: dict[str, Any]) -> str:
    lines = [f"{found['status']}: compared in {found['took_ms']} ms"]
    for service in found["services"]:
        after = f" after entry {service['pos']}" if service["pos"] else ""
        lines.append(
            f"{service['standing']:<8} {service['service']}{after}{': ' if service['why'] else ''}{service['why']}"
        )
        for table in service["tables"]:
            replayed = "" if table["standing"] == "equal" else f", replayed {table['replayed_rows']} rows"
            lines.append(f"  {table['standing']:<8} {table['table']}: {table['rows']} rows{replayed}")
    return "\n".join(lines)
