"""`manage.py control`: the control process (SERVICE=control), owner of the fault plan."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from control import serve


class Command(BaseCommand):
    help = "Run the control process, which owns the fault plan and takes databases and Redis down on purpose, until "
    "SIGTERM."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        serve.run(options["host"], options["port"])
