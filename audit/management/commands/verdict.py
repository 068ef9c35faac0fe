"""`manage.py verdict`: does each invariant hold? Asked through the front door, like everybody else."""

import json
import os
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser

EXIT = {"holds": 0, "violated": 1, "pending": 2}
NO_ANSWER = 3
MARKS = {"holds": "✓", "pending": "…", "violated": "✗"}


class Command(BaseCommand):
    help = "Judge the invariants. Exit status: 0 all hold, 1 one is violated, 2 one is pending, 3 no verdict to be had."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")
        parser.add_argument("--url", default="", help="the sandbox; default http://127.0.0.1:$PORT")

    def handle(self, *args: Any, **options: Any) -> None:
        base = options["url"] or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
        try:
            answer = httpx.get(f"{base}/api/verdict", timeout=60)
            answer.raise_for_status()
            verdict = answer.json()
        except httpx.HTTPStatusError as error:
            raise CommandError(f"{base} answered {error.response.status_code}", returncode=NO_ANSWER) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise CommandError(
                f"no sandbox answers at {base} ({error}); is `make run` up?", returncode=NO_ANSWER
            ) from error
        self.stdout.write(json.dumps(verdict, indent=2) if options["as_json"] else _told(verdict))
        raise SystemExit(EXIT[verdict["status"]])


def _told(verdict: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {standing}" for standing, count in verdict["bookings"].items())
    lines = [f"{verdict['status']}: {counts} bookings, read and judged in {verdict['took_ms']} ms"]
    for one in verdict["invariants"]:
        lines.append(f"{MARKS[one['status']]} {one['status']:<9}{one['title']}")
        lines += [f"      {_place(piece)}{piece['what']}" for piece in one["evidence"]]
        if one["count"] > len(one["evidence"]):
            lines.append(f"      and {one['count'] - len(one['evidence'])} more")
        lines += [f"      waived: {_place(piece)}{piece['what']} ({piece['reason']})" for piece in one["waived"]]
    return "\n".join(lines)


def _place(piece: dict[str, Any]) -> str:
    where = [*piece["bookings"]] or [piece["booking"] or piece["seat"] or ""]
    entry = f" #{piece['pos']}" if piece["pos"] else ""
    return f"{', '.join(where)}{entry}: " if where[0] else ""
