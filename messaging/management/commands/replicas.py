"""`manage.py replicas [rebuild NAME]`: how stale Ticket's copies are, and make one again from its owner's event log."""

import json
import time
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.events.replication import ReplicaState, Replication, UnknownReplica, of_service
from messaging.process.heartbeat import is_alive
from messaging.process.redis import impatient_redis
from topology.tuning import Seconds

PATIENCE_S: Seconds = 60.0  # how long to wait for a rebuild


class Command(BaseCommand):
    help = "List the copies that a service keeps of other services' rows, or rebuild one from its owner's event log."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", choices=("list", "rebuild"), default="list")
        parser.add_argument("name", nargs="?", help="of the replica to rebuild")
        parser.add_argument("--json", action="store_true", help="one JSON object a replica, each on a line")

    def handle(self, *args: Any, **options: Any) -> None:
        found = of_service(settings.SERVICE)
        if found is None:
            raise CommandError(f"SERVICE={settings.SERVICE} keeps no copies of other services' rows")
        replication, program = found
        if options["action"] == "list":
            for state in replication.state(impatient_redis()):
                self.stdout.write(json.dumps(asdict(state)) if options["json"] else _line(state))
            return
        if not options["name"]:
            raise CommandError(f"which one? There are {', '.join(one.name for one in replication.replicas)}")
        self._rebuild(replication, program, options["name"], options["json"])

    def _rebuild(self, replication: Replication, program: str, name: str, as_json: bool) -> None:
        if not is_alive(impatient_redis(), program):
            raise CommandError(
                f"{program} does not run, and it alone may write copies: manage.py sandbox start {program}"
            )
        try:
            replication.ask_to_rebuild(name)
        except UnknownReplica as error:
            raise CommandError(str(error)) from error
        give_up = time.monotonic() + PATIENCE_S
        while (done := replication.rebuilds()[name])["done_at"] is None:
            if time.monotonic() > give_up:
                raise CommandError(f"{program} has not rebuilt {name} within {PATIENCE_S:.0f} s; it will when it can")
            time.sleep(0.1)
        if done["failure"]:
            raise CommandError(f"{name} is unchanged: {done['failure']}")
        told = {"replica": name, **{key: done[key] for key in ("events", "skipped", "seconds")}}
        skipped = f"; {done['skipped']:,} skipped, see the dead letters" if done["skipped"] else ""
        text = f"{name}: {done['events']:,} events in {done['seconds']:.2f} s{skipped}"
        self.stdout.write(json.dumps(told) if as_json else text)


def _line(state: ReplicaState) -> str:
    if not state.filled:
        return f"{state.name}: a copy of {state.source}'s rows, nothing read yet"
    behind = "not known" if state.events is None else f"{state.events:,} events, {state.ms:,.0f} ms"
    return f"{state.name}: a copy of {state.source}'s rows, behind: {behind}; {state.applied:,} events applied, {state.bytes:,} B"
