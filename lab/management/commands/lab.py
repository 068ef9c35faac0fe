"""`manage.py lab`: the lab from a script, through the front door like any other client."""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lab import figures, measuring
from lab.comparison import tables
from lab.exhibits import EXHIBITS
from messaging.process.redis import redis_client
from serving import command_line
from topology.tuning import Seconds

WAIT_S: Seconds = 300.0  # for a rig, and for a measurement of one exhibit
LOOK_S: Seconds = 0.3  # between two looks whether that has ended


class Command(BaseCommand):
    help = "List the exhibits, open and close the rig of one, measure."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        _common(commands.add_parser("list", help="the exhibits, and how their rigs stand"))
        for verb in ("open", "close"):
            one = commands.add_parser(verb, help=f"{verb} the rig of an exhibit, and wait until that is done")
            one.add_argument("exhibit")
            _common(one)
        measure = commands.add_parser("measure", help="measure exhibits (all by default); opens their rigs first")
        measure.add_argument("exhibits", nargs="*", metavar="exhibit")
        measure.add_argument("--here", action="store_true", help="in this process, of rigs that are open")
        measure.add_argument("--output", default="", help="with --here: also write the figures there, as JSON")
        _common(measure)

    def handle(self, *args: Any, **options: Any) -> None:
        named = [options["exhibit"]] if options.get("exhibit") else options.get("exhibits", [])
        for name in named:
            if name not in EXHIBITS:
                raise CommandError(f"there is no exhibit '{name}'; there is {', '.join(EXHIBITS)}")
        base = command_line.base_url(options)
        with httpx.Client(base_url=base, timeout=60, headers=command_line.headers(options)) as client:
            try:
                found, lines = self._do(client, options, named)
            except httpx.HTTPStatusError as error:
                raise CommandError(command_line.refusal(error.response)) from error
            except httpx.HTTPError as error:
                raise CommandError(f"no sandbox answers at {base} ({error}); is `make run` up?") from error
        self.stdout.write(json.dumps(found, indent=2) if options["as_json"] else "\n".join(lines))

    def _do(self, client: httpx.Client, options: dict[str, Any], named: list[str]) -> tuple[Any, list[str]]:
        match options["what"]:
            case "list":
                found = _get(client, "/api/lab")
                return found, _listed(found)
            case "measure" if options["here"]:
                measured = measuring.measure(client, redis_client(), named, self._say)
                rows = [figures.as_dict(one) for one in measured]
                if options["output"]:
                    Path(options["output"]).write_text(json.dumps(rows))
                return rows, [f"{len(measured)} figures are measured"]
            case "measure":
                return self._measure(client, named or list(EXHIBITS))
            case verb:
                rig = _change(client, EXHIBITS[named[0]].rig, verb)
                return rig, [f"{rig['name']} is {rig['state']}{_times(rig)}"]

    def _measure(self, client: httpx.Client, named: list[str]) -> tuple[Any, list[str]]:
        """Rigs that were closed are closed again."""
        opened = []
        states = {one["name"]: one["state"] for one in _get(client, "/api/lab")["rigs"]}
        try:
            for rig in dict.fromkeys(EXHIBITS[name].rig for name in named):
                if states[rig] not in ("open", "by compose"):
                    _change(client, rig, "open")
                    opened.append(rig)
            client.post("/api/lab/measurement", json={"exhibits": named}).raise_for_status()
            self._wait_for_measurement(client, WAIT_S * len(named))
        finally:
            for rig in opened:
                _change(client, rig, "close")
        found = _get(client, "/api/lab/figures")["figures"]
        mine = [one for one in found if one["exhibit"] in named]
        return mine, _table(mine)

    def _wait_for_measurement(self, client: httpx.Client, seconds: float) -> None:
        give_up, said = time.monotonic() + seconds, ""
        while (state := _get(client, "/api/lab/measurement"))["running"]:
            if time.monotonic() > give_up:
                raise CommandError(f"the measurement has not ended after {seconds:.0f} s: {state['said']}")
            if state["said"] != said:
                said = state["said"]
                self._say(said)
            time.sleep(LOOK_S)
        if state["error"]:
            raise CommandError(f"the measurement ended early: {state['error']}")

    def _say(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()


def _common(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", dest="as_json")
    command_line.add_url(parser)  # type: ignore[arg-type]
    command_line.add_token(parser)  # type: ignore[arg-type]


def _get(client: httpx.Client, path: str) -> Any:
    return client.get(path).raise_for_status().json()


def _change(client: httpx.Client, rig: str, verb: str) -> dict[str, Any]:
    """Begin it and wait until it is done. Raises CommandError, with what failed."""
    client.post(f"/api/lab/rigs/{quote(rig, safe='')}/{verb}").raise_for_status()
    give_up = time.monotonic() + WAIT_S
    while True:
        found = next(one for one in _get(client, "/api/lab")["rigs"] if one["name"] == rig)
        if not found["step"]:
            break
        if time.monotonic() > give_up:
            raise CommandError(f"{rig} is still {found['state']} after {WAIT_S:.0f} s: {found['step']}")
        time.sleep(LOOK_S)
    if found["failure"]:
        raise CommandError(f"the rig {rig} could not be {'opened' if verb == 'open' else 'closed'}: {found['failure']}")
    return dict(found)


def _listed(found: dict[str, Any]) -> list[str]:
    states = {one["name"]: one["state"] for one in found["rigs"]}
    return [
        f"{one['number']:>2} {one['name']:<14} rig {one['rig']}, {states[one['rig']]}: {', '.join(one['ways'])}"
        for one in found["exhibits"]
    ]


def _times(rig: dict[str, Any]) -> str:
    times = [f"{one['name']} {one['took_s']} s" for one in rig["programs"] if one["took_s"] is not None]
    return f": {', '.join(times)}" if times else ""


def _table(found: list[dict[str, Any]]) -> list[str]:
    """As Markdown, which docs/lab.md has; and the load and the faults under which it was measured."""
    kept = [figures.of_dict(one) for one in found]
    lines: list[str] = []
    for table in tables({one.key: one for one in kept}):
        lines += [f"| {table.title} | {' | '.join(column.title for column in table.columns)} |"]
        lines += [f"|---|{'---:|' * len(table.columns)}"]
        for row in table.rows:
            cells = [cell.figure.text if cell.figure else "" for cell in row.cells]
            lines += [f"| {row.exhibit.title}: {row.way.title.lower()} | {' | '.join(cells)} |"]
    loads = [one.load for one in kept] or [0.0]
    faults = sorted({fault for one in kept for fault in one.faults})
    return [*lines, "", f"Load average {min(loads):g} to {max(loads):g}; armed: {', '.join(faults) or 'nothing'}."]
