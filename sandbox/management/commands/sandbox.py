"""`manage.py sandbox up|start|stop|provision|status|reset|restore`: the command line of the embedded runtime."""

import json
import os
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from sandbox import setup_steps, up
from sandbox.data import storage
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.machine import room
from sandbox.machine.address import Front, check_place, host_of, port_of
from sandbox.running import asking
from sandbox.running.supervise import Supervisor
from sandbox.runtime import Sandbox
from sandbox.stages import Stages
from topology.processes import HOUSE, SUPERVISED


class Command(BaseCommand):
    help = "Runs Sagabox on this machine: five PostgreSQL, Redis and every process."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", default=os.environ.get("PORT"), help="of the front door (PORT)")
        commands = parser.add_subparsers(dest="action", required=True)
        start = commands.add_parser("up", help="start everything, and stop it on Ctrl-C or SIGTERM")
        start.add_argument("--host", default="", help="the front door's address; 0.0.0.0 is all (127.0.0.1)")
        setting_up = commands.add_parser(
            "provision", help="roles, databases, migrations, publications, slots, demo data (SERVICE=control)"
        )
        setting_up.add_argument("--instance", default="", help="only of this one, which is on demand")
        status = commands.add_parser("status", help="processes with their state and pid; exit code 3 when not running")
        status.add_argument("--json", action="store_true")
        for verb in ("start", "stop"):
            one = commands.add_parser(
                verb, help=f"{verb} what is on demand: {', '.join(HOUSE.startable) or 'here nothing is'}"
            )
            one.add_argument("name")
        commands.add_parser("reset", help="remove data, logs and secrets")
        commands.add_parser("restore", help="restore the data as they were before a newer version migrated them")

    def handle(self, *args: Any, **options: Any) -> None:
        stages = Stages()
        try:
            port, host = port_of(options["port"]), host_of(options.get("host"))
            check_place(settings.BASE_DIR)
        except ValueError as error:
            stages.failed(SandboxError(str(error)))
            sys.exit(1)
        layout = storage.layout_of(settings.BASE_DIR, port)
        try:
            match options["action"]:
                case "up":
                    up.run(Layout(settings.BASE_DIR, port, Front(host, settings.PUBLIC_ORIGIN)), stages)
                case "provision":
                    setup_steps.run(stages, os.environ, options["instance"])
                case "start" | "stop":
                    asking.change(layout, options["action"], options["name"], stages)
                case "status":
                    self._status(layout, options["json"])
                case "reset":
                    self._reset(layout)
                case "restore":
                    made = Sandbox(layout.root, layout.port).restore()
                    self.stdout.write(f"restored the data of {made}; later changes are lost")
        except SandboxError as error:
            if directory := room.full(Sandbox(layout.root, layout.port).directories):
                error = SandboxError(room.sentence(directory), error.log)
            stages.failed(error)
            sys.exit(1)
        except OSError as error:
            places = Sandbox(layout.root, layout.port).directories
            if error.errno not in room.FULL and not room.full(places):  # copying a tree has an error without a number
                raise
            stages.failed(SandboxError(room.sentence(Path(error.filename or layout.state))))
            sys.exit(1)

    def _status(self, layout: Layout, as_json: bool) -> None:
        socket = storage.control_socket(layout)
        if socket is None or not Supervisor(socket).is_up():
            self.stdout.write(
                json.dumps({"url": layout.url, "running": False}) if as_json else f"not running at {layout.url}"
            )
            sys.exit(3)
        supervisor = Supervisor(socket)
        rows = [asdict(status) for status in supervisor.statuses().values()]
        if as_json:
            answer = {"url": layout.url, "running": True, "supervisord": supervisor.pid()}
            later = {program.name for program in SUPERVISED if program.on_demand}
            self.stdout.write(
                json.dumps({**answer, "processes": [{**row, "on_demand": row["name"] in later} for row in rows]})
            )
            return
        for row in rows:
            row["state"] = asking.state_of(row["name"], row["state"], row["exit"])
        self.stdout.write(layout.url)
        widest = {key: max(len(str(row[key])) for row in rows) for key in ("name", "state", "pid")}
        for row in rows:
            cells = (
                f"{row['name']:<{widest['name']}}",
                f"{row['state']:<{widest['state']}}",
                f"{row['pid']:>{widest['pid']}}",
            )
            self.stdout.write("  ".join([*cells, row["log"]]))

    def _reset(self, layout: Layout) -> None:
        for path in Sandbox(layout.root, layout.port).reset():
            self.stdout.write(f"removed {path}")
