"""`manage.py replay check`: does what the journal replays equal the live tables? Asked through the front door."""

import json
import os
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser

EXIT = {"equal": 0, "differs": 1}
NOT_YET, NO_ANSWER = 2, 3


class Command(BaseCommand):
    help = "Compare the replayed state with the live tables. Exit status: 0 equal, 1 differs, 2 cannot be said yet, 3 no answer."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["check"])
        parser.add_argument("--json", action="store_true", dest="as_json")
        parser.add_argument("--url", default="", help="the sandbox; default http://127.0.0.1:$PORT")

    def handle(self, *args: Any, **options: Any) -> None:
        base = options["url"] or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
        try:
            answer = httpx.get(f"{base}/api/replay/check", timeout=60)
            answer.raise_for_status()
            found = answer.json()
        except httpx.HTTPStatusError as error:
            raise CommandError(f"{base} answered {error.response.status_code}", returncode=NO_ANSWER) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise CommandError(
                f"no sandbox answers at {base} ({error}); is `make run` up?", returncode=NO_ANSWER
            ) from error
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
