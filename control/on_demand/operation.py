"""What is done to something on demand, and why it may be refused."""

from dataclasses import dataclass

DOING = {"start": "being started", "stop": "being stopped", "renew": "being started over"}
PAST = {"start": "starts", "stop": "stops", "renew": "starts over"}
SHOWN = {"start": "starting", "stop": "stopping", "renew": "starting"}


class UnknownName(LookupError):
    """Nothing on demand has this name."""


class Refused(RuntimeError):
    """It cannot be started or stopped now; the text says why."""


@dataclass
class Operation:
    """The last operation on a part. `step` is "" once it has ended; `failure` is what went wrong, `log` the file with
    details."""

    verb: str
    step: str
    failure: str = ""
    log: str = ""
