"""`manage.py book`: book seats from a script, through the front door like any other client."""

import json
import time
import uuid
from contextlib import suppress
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser

from serving import command_line

ENDED = {"CONFIRMED": 0, "CANCELLED": 1, "STUCK": 2}


class Command(BaseCommand):
    help = "Book seats. Exit status with --wait: 0 CONFIRMED, 1 CANCELLED, 2 STUCK, 3 not ended in time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--performance", required=True)
        parser.add_argument("--seats", required=True, help="comma-separated, 1 to 8: A-15,A-16")
        parser.add_argument("--customer", required=True, type=int)
        parser.add_argument("--method", default="tok_visa", help="tok_visa, tok_declined, tok_insufficient_funds")
        parser.add_argument("--key", default="", help="idempotency key; a new one by default")
        parser.add_argument("--wait", action="store_true", help="wait until the booking has ended")
        parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait")
        parser.add_argument("--json", action="store_true", dest="as_json")
        command_line.add_url(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        base = command_line.base_url(options)
        body = {
            "performance": options["performance"],
            "seats": [seat.strip() for seat in options["seats"].split(",")],
            "customer": options["customer"],
            "payment_method": options["method"],
        }
        with httpx.Client(base_url=base, timeout=10) as client:
            try:
                answer = client.post(
                    "/api/bookings", json=body, headers={"Idempotency-Key": options["key"] or str(uuid.uuid4())}
                )
            except httpx.HTTPError as error:
                raise CommandError(f"no sandbox answers at {base} ({error}); is `make run` up?") from error
            if answer.status_code != 202:
                raise CommandError(command_line.refusal(answer))
            booking = answer.json()
            if options["wait"]:
                booking = self._wait(client, booking, options["timeout"])
        self.stdout.write(json.dumps(booking, indent=2) if options["as_json"] else _line(booking))
        if options["wait"]:
            raise SystemExit(ENDED.get(booking["state"], 3))

    def _wait(self, client: httpx.Client, booking: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The booking once it has ended, or as it was last seen. While the front door is away it is asked again."""
        give_up = time.monotonic() + timeout
        found = booking
        while time.monotonic() < give_up:
            with suppress(httpx.HTTPError):
                answer = client.get(f"/api/bookings/{booking['id']}")
                if answer.status_code == 200:
                    found = answer.json()
                    if found["state"] in ENDED:
                        break
            time.sleep(0.05)
        return found


def _line(booking: dict[str, Any]) -> str:
    reason = f" ({booking['reason']})" if booking.get("reason") else ""
    return f"{booking['id']} {booking['state']}{reason}"
