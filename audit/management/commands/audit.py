"""`manage.py audit`: the auditor (SERVICE=auditor). `manage.py verdict` asks for what it found."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.running import serve


class Command(BaseCommand):
    help = "Reads the services' truth and checks the invariants, repeatedly. Runs until SIGTERM."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        serve.run(options["host"], options["port"])
