"""`manage.py verdict`: shows whether each invariant holds, through the front door like any other client."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from serving import command_line

EXIT = {"holds": 0, "violated": 1, "pending": 2, "not_applicable": 3}
MARKS = {"holds": "✓", "pending": "…", "violated": "✗", "not_applicable": "-"}


class Command(BaseCommand):
    help = "Check the invariants. Exit status: 0 all hold, 1 one is violated, 2 one is pending, 3 no verdict available."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")
        command_line.add_url(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = command_line.document(command_line.base_url(options), "/api/verdict")
        self.stdout.write(json.dumps(verdict, indent=2) if options["as_json"] else _told(verdict))
        raise SystemExit(EXIT[verdict["status"]])


def _told(verdict: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {standing}" for standing, count in verdict["bookings"].items())
    lines = [f"{verdict['status']}: {counts} bookings, read and judged in {verdict['took_ms']} ms"]
    for one in verdict["invariants"]:
        lines.append(f"{MARKS[one['status']]} {one['status'].replace('_', ' '):<15}{one['title']}")
        lines += [f"      {_place(piece)}{piece['what']}" for piece in one["evidence"]]
        if one["count"] > len(one["evidence"]):
            lines.append(f"      and {one['count'] - len(one['evidence'])} more")
        lines += [f"      waived: {_place(piece)}{piece['what']} ({piece['reason']})" for piece in one["waived"]]
    return "\n".join(lines)


def _place(piece: dict[str, Any]) -> str:
    where = [*piece["bookings"]] or [piece["booking"] or piece["seat"] or ""]
    entry = f" #{piece['pos']}" if piece["pos"] else ""
    return f"{', '.join(where)}{entry}: " if where[0] else ""
