"""`manage.py faults`: arm faults from a script, through the front door like any other client."""

import json
from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from serving import command_line


class Command(BaseCommand):
    help = "List, arm and clear faults; resume what they hold; switch safety mechanisms."

    def add_arguments(self, parser: CommandParser) -> None:
        command_line.add_url(parser)
        command_line.add_token(parser)
        parser.add_argument("--json", action="store_true", dest="as_json")
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser(
            "list", help="list the armed faults, those that struck, and the journal entry that proves it"
        )
        commands.add_parser("points", help="list every fault point and the actions that make sense there")
        _arm_arguments(commands.add_parser("arm", help="arm a fault; prints its id"))
        clear = commands.add_parser("clear", help="clear one fault, or --all")
        clear.add_argument("fault", nargs="?", default="")
        clear.add_argument("--all", action="store_true", dest="every")
        commands.add_parser("resume", help="resume what a fault holds").add_argument("fault")
        commands.add_parser("go-on", help="deprecated: the old name of resume").add_argument("fault")
        switch = commands.add_parser(
            "mechanism", help="show the safety mechanisms, or switch one: mechanism barrier --no-on"
        )
        switch.add_argument("mechanism", nargs="?", default="")
        switch.add_argument("--on", action=BooleanOptionalAction, default=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "go-on":
            self.stderr.write("`faults go-on` is deprecated and goes with the next version: say `faults resume`")
            options["what"] = "resume"
        base = command_line.base_url(options)
        headers = command_line.headers(options)
        with httpx.Client(base_url=base, timeout=20, headers=headers) as client:
            try:
                answer = _ask(client, options)
            except httpx.HTTPError as error:
                answer = _ask_control(options) or _nobody(base, error)
        if not answer.is_success:
            raise CommandError(command_line.refusal(answer))
        found = answer.json()
        self.stdout.write(
            json.dumps(found, indent=2) if options["as_json"] else "\n".join(_lines(options["what"], found))
        )


def _nobody(base: str, error: httpx.HTTPError) -> NoReturn:
    raise CommandError(f"no sandbox answers at {base} ({error}); is `make run` up?") from error


def _ask_control(options: dict[str, Any]) -> httpx.Response | None:
    """Ask this machine's control process directly while the front door is down, which a fault may have killed. None: no
    answer."""
    control = settings.API_URLS["control"]
    if options["url"] or not control or options["what"] not in ("list", "clear", "resume"):
        return None
    headers = {"Authorization": f"Bearer {settings.OPERATOR_TOKEN}"}
    with httpx.Client(base_url=f"{control}/control", timeout=20, headers=headers) as client:
        try:
            return _ask(client, options, api="")
        except httpx.HTTPError:
            return None


def _arm_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("point")
    parser.add_argument("action")
    for name in ("service", "message", "step", "direction", "booking", "seat", "reason"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--customer", type=int)
    parser.add_argument("--seconds", type=float)
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--times", type=int)
    when.add_argument("--probability", type=float)
    when.add_argument("--always", action="store_true", help="until cleared")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--after", type=int, default=0, help="skip the first k passes")


def _ask(client: httpx.Client, options: dict[str, Any], api: str = "/api") -> httpx.Response:
    match options["what"]:
        case "list":
            return client.get(f"{api}/faults")
        case "points":
            return client.get("/api/faults/points")
        case "arm":
            return client.post("/api/faults", json=_asked(options))
        case "resume":
            return client.post(f"{api}/faults/{quote(options['fault'], safe='')}/resume")
        case "mechanism" if options["mechanism"]:
            return client.put("/api/mechanisms", json={options["mechanism"]: options["on"]})
        case "mechanism":
            return client.get("/api/mechanisms")
    if not options["fault"] and not options["every"]:
        raise CommandError("name the fault to clear, or use --all")
    return client.delete(f"{api}/faults" if options["every"] else f"{api}/faults/{quote(options['fault'], safe='')}")


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    """The body of POST /api/faults: only the given options."""
    names = ("service", "message", "step", "direction", "booking", "seat", "reason", "customer", "seconds")
    given = {name: options[name] for name in names if options[name] is not None}
    return {"point": options["point"], "action": options["action"], "trigger": _trigger(options), **given}


def _trigger(options: dict[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = {"after": options["after"]}
    if options["times"] is not None:
        trigger |= {"kind": "times", "times": options["times"]}
    if options["probability"] is not None:
        trigger |= {"kind": "probability", "probability": options["probability"], "seed": options["seed"]}
    if options["always"]:
        trigger |= {"kind": "always"}
    return trigger


def _lines(what: str, found: dict[str, Any]) -> list[str]:
    match what:
        case "list":
            return [_line(fault) for fault in found["faults"]] or ["nothing is armed"]
        case "points":
            return [f"{one['point']:<22} {one['sentence']} [{', '.join(one['actions'])}]" for one in found["points"]]
        case "arm":
            return [found["id"]]
        case "mechanism":
            return [f"{one['name']:<24} {'on' if one['on'] else 'OFF'}" for one in found["mechanisms"]]
        case "resume":
            return [f"{found['released']} resumed"]
    return [f"{found['cleared']} cleared" if "cleared" in found else _line(found)]


def _line(fault: dict[str, Any]) -> str:
    place = " ".join(filter(None, [fault["point"], fault["service"], fault["message"]]))
    proof = f" @#{fault['proofs'][-1]['pos']}" if fault["proofs"] else ""
    fired = f", fired x{fault['fired']}{proof}" if fault["fired"] else ""
    held = ", holds" if fault.get("held") else ""
    return f"{fault['id']} {fault['action']} at {place}: {fault['state']}{fired}{held}"
