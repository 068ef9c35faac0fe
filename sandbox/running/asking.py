"""`manage.py sandbox start NAME` and `stop NAME`: starts and stops what is on demand, through the control process of
the running sandbox."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from dotenv import dotenv_values

from sandbox.data import storage
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.running.supervise import Supervisor
from sandbox.stages import Stages
from serving.command_line import refusal
from topology.processes import BY_NAME, CONTROL
from topology.tuning import Seconds

LOOK_S: Seconds = 0.2  # between two looks whether the control process has done it
DONE = {"start": "started", "stop": "stopped", "renew": "started over"}
STOPPED = "on demand"
"""What `status` says of a program on demand that is stopped."""


def change(layout: Layout, verb: str, name: str, stages: Stages) -> None:
    """Start it, stop it or start it over (`renew`), and wait until that is done; each step is a line. Raises SandboxError,
    with the log of what failed."""
    token = dotenv_values(layout.state / "secrets.env").get("OPERATOR_TOKEN") or ""
    url = f"http://127.0.0.1:{layout.ports['control']}/control/on-demand"
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
        _ask(http, layout, "POST", f"{url}/{quote(name, safe='')}/{verb}?who=the+operator")

        def now() -> dict[str, Any]:
            things = _ask(http, layout, "GET", url)["on_demand"]
            return next(thing for thing in things if thing["name"] == name)

        found = now()
        while found["step"]:
            step = found["step"]
            with stages.stage(step[:1].upper() + step[1:]):
                while found["step"] == step:
                    time.sleep(LOOK_S)
                    found = now()
    if found["failure"]:
        raise SandboxError(
            f"{name} could not be {DONE[verb]}: {found['failure']}",
            Path(found["log"]) if found["log"] else None,
        )
    stages.say(f"{name} is {found['state']}")


def state_of(name: str, state: str, status: int) -> str:
    """A program's state for people: a stopped program on demand is not down. `status`: its exit status."""
    program = BY_NAME.get(name)
    if program is None or not program.on_demand:
        return state
    return STOPPED if state == "STOPPED" or (program.ends and state == "EXITED" and not status) else state


def _ask(http: httpx.Client, layout: Layout, method: str, url: str) -> Any:
    try:
        answer = http.request(method, url)
    except httpx.HTTPError as error:
        socket = storage.control_socket(layout)
        if socket is not None and Supervisor(socket).is_up():
            why = f"the control process does not answer ({type(error).__name__}); try again in a moment"
            raise SandboxError(why, layout.log(CONTROL.name)) from error
        raise SandboxError(f"no sandbox runs at {layout.url}: `make run` starts one") from error
    if answer.is_error:
        raise SandboxError(refusal(answer))
    return answer.json()
