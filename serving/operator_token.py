"""Bearer-token authentication of operators: people at the front door, and the front door at the services and the
control process.

A wrong token is logged with the address it came from. At the front door an address may guess only a few times a minute;
at the services all operators have the front door's address.
"""

import hmac
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Schema
from ninja.security import HttpBearer
from pydantic import ConfigDict

from messaging.typed_text import Typed
from serving.problems import Problem
from topology.tuning import Count

GUESSES, IN_S = 5, 60.0
"""How many wrong tokens an address may send in so many seconds before the next is not checked."""
REMEMBERED: Count = 10_000
"""How many addresses are remembered; the one that has been silent longest is forgotten first."""
log = logging.getLogger(__name__)


class Guesses:
    """Recent wrong tokens, by address. Kept in this process: each of several processes allows GUESSES guesses."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises Problem 429 while this address has guessed too often."""
        at = self._at.get(_network(address), deque())
        wait = at[0] + IN_S - time.monotonic() if len(at) == GUESSES else 0.0
        if wait > 0:
            detail = f"{GUESSES} wrong operator tokens came from {address}; the next is looked at in {wait:.0f} s"
            raise Problem(429, "Too many guesses", detail, headers={"Retry-After": f"{wait + 1:.0f}"})

    def wrong(self, address: str) -> None:
        network = _network(address)
        at = self._at.setdefault(network, deque(maxlen=GUESSES))
        at.append(time.monotonic())
        self._at.move_to_end(network)
        while len(self._at) > REMEMBERED:
            self._at.popitem(last=False)
        log.warning("a wrong operator token came from %s (%d within %.0f s)", address, self._recent(at), IN_S)

    def forget(self) -> None:
        self._at.clear()

    def _recent(self, at: Iterable[float]) -> int:
        return sum(time.monotonic() - one < IN_S for one in at)


GUESSED = Guesses()


def is_token(token: str) -> bool:
    """Whether this is the operator token. Without one in the settings none is right."""
    known = settings.OPERATOR_TOKEN
    return bool(known) and hmac.compare_digest(token.encode(errors="replace"), known.encode())


def is_guessed(token: str, address: str) -> bool:
    """`is_token` for an unknown client. Raises Problem 429 for one that has been wrong too often."""
    if not token:
        return False
    GUESSED.check(address)
    if not is_token(token):
        GUESSED.wrong(address)
        return False
    return True


def has_token(scope: Any) -> bool:
    """Whether the request of this ASGI scope has it; a wrong one is logged."""
    sent = [bearer_of(value.decode("latin-1")) for name, value in scope["headers"] if name == b"authorization"]
    if any(map(is_token, sent)):
        return True
    if any(sent):
        GUESSED.wrong((scope.get("client") or ("",))[0])
    return False


def bearer_of(authorization: str) -> str:
    """The token in an Authorization header; "" in one of another scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class OperatorToken(HttpBearer):
    """`Authorization: Bearer <OPERATOR_TOKEN>`."""

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        if is_token(token):
            return "operator"
        GUESSED.wrong(str(request.META.get("REMOTE_ADDR", "")))
        return None


def _network(address: str) -> str:
    """An IPv6 host has 2^64 addresses, so those of one network count as one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return found.exploded[:19] if isinstance(found, IPv6Address) else str(found)


class OperatorAction(Schema):
    """The name and reason that every operator action needs; the journal keeps them."""

    model_config = ConfigDict(extra="forbid")

    who: Annotated[str, Typed("name")]
    why: Annotated[str, Typed("reason")]
