"""What may stand in Redis' hash of faults and is no fault."""

import json
from typing import Any

from faults import Action, Fault, Point, dump

DECLINED: dict[str, Any] = {
    "point": Point.ANSWER,
    "action": Action.REFUSE,
    "service": "payments",
    "message": "TakePayment",
}
ID = "f00d"


def spoilt(**more: Any) -> bytes:
    return json.dumps({**json.loads(dump(Fault(**DECLINED, id=ID))), **more}).encode()


GARBAGE: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"armed by hand",
    "not UTF-8": b"\xff\xfe\x80",
    "nothing": b"null",
    "a list": b"[1]",
    "no fields": b"{}",
    "nested": b"[" * 100_000,
    "a digit too many": b"9" * 5_000,
    "a newer version's": spoilt(gate="north"),
    "a newer version's point": spoilt(point="answer.sent"),
    "a newer version's trigger": spoilt(trigger={"kind": "weekly"}),
    "no trigger": spoilt(trigger=None),
    "passes in words": spoilt(passes="one"),
    "fired in words": spoilt(fired="twice"),
    "no number": spoilt(seconds=float("nan")),
    "a number no float holds": spoilt(seconds=10**400),
    "half a surrogate pair": spoilt(name="\ud800"),
    "armed at the end of time": spoilt(armed_at="9999-12-31T23:59:59Z", expires_at=""),
    "another's id": spoilt(id="another"),
}
"""Each under ID."""
