"""`manage.py trial`: bring about the moment that a safety mechanism is there for, and see whether it holds."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from redis import RedisError

from faults import Mechanism
from proofs import running
from proofs.house import House, NotInTime
from proofs.management.commands.matrix import write
from proofs.safeties.ground import Ground
from proofs.safeties.trial import play


class Command(BaseCommand):
    help = (
        "What a safety mechanism is there for, with real bookings. It switches nothing: with the mechanism off, a promise "
        "breaks, and stays broken. Exit: 0 it held, 1 it broke, 2 it could not run."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("mechanism", choices=[str(one) for one in Mechanism])
        parser.add_argument("--url", default="", help="the sandbox; default http://127.0.0.1:$PORT")
        parser.add_argument("--output", default="", help="JSON; default: where the pages read it")

    def handle(self, *args: Any, **options: Any) -> None:
        layout = running.layout()
        house = House(options["url"] or layout.url, settings.OPERATOR_TOKEN)
        output = Path(options["output"] or layout.control / "trial.json")

        def show(found: dict[str, Any]) -> None:
            write(output, found)
            if found["said"]:
                self.stdout.write(found["said"])

        if not house.ready():
            house.close()
            raise CommandError(f"not every part of the sandbox is ready; see {house.url}/readyz", returncode=2)
        try:
            found = play(Ground(layout, house, print), Mechanism(options["mechanism"]), show)
        except (NotInTime, LookupError, RuntimeError, psycopg.Error, RedisError) as error:
            raise CommandError(str(error), returncode=2) from error
        finally:
            house.close()
        state = "on" if found["on"] else "off"
        words = {"broke": f"broke: {found['title']}", "held": "held", "none": "nothing broke this time"}
        self.stdout.write(
            f"{options['mechanism']} is {state}; {words[found['outcome']]}: {', '.join(found['bookings'])}"
        )
        if found["outcome"] == "broke":
            raise SystemExit(1)
