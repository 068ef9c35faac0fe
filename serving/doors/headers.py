"""The request headers that are used here, checked before they are used or forwarded to another service."""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from serving.problems import Problem

NAME = "Idempotency-Key"
PLACED_BY = "x-placed-by"  # from the front door to Booking: the pseudonym of the visitor who books
KEY = re.compile(r"[\x21-\x7e]{1,255}")
SENDABLE = re.compile(r"[\x20-\x7e]*")
MALFORMED = "Idempotency-Key missing or malformed"
RULE = "send one Idempotency-Key header of 1 to 255 visible ASCII characters (U+0021 to U+007E), a new one for each intention"
IN_OPENAPI: dict[str, Any] = {
    "parameters": [{"in": "header", "name": NAME, "required": True, "schema": {"type": "string"}}]
}


def key_of(request: HttpRequest) -> str:
    """The request's Idempotency-Key: a client's name for one intention. Raises Problem 400."""
    if times_sent(request, NAME) > 1:
        raise Problem(400, MALFORMED, f"the Idempotency-Key header is there twice; {RULE}")
    key: str = request.headers.get(NAME, "")
    if not KEY.fullmatch(key):
        raise Problem(400, MALFORMED, f"{_what_is_wrong(key)}; {RULE}")
    return key


def handed_on(request: HttpRequest) -> dict[str, str]:
    """The headers that the front door forwards to a service. Raises Problem 400 for a value that no header may hold."""
    headers = {"Content-Type": request.headers.get("Content-Type") or "application/json"}
    check_sendable(headers)
    return headers | {NAME: key_of(request)} if NAME in request.headers else headers


def check_sendable(headers: Mapping[str, str]) -> None:
    """Raises Problem 400 for a value that cannot be put into a request: not ASCII, or a control character."""
    for name, value in headers.items():
        if not SENDABLE.fullmatch(value):
            raise Problem(400, "Malformed header", f"the {name} header has characters that are not printable ASCII")


def times_sent(request: HttpRequest, name: str) -> int:
    """How many headers of this name arrived. Django joins them with commas, which a value may contain as well."""
    wanted = name.lower().encode()
    return sum(found.lower() == wanted for found, _ in getattr(request, "scope", {}).get("headers", ()))


def _what_is_wrong(key: str) -> str:
    if not key:
        return "there is no Idempotency-Key"
    if len(key) > 255:
        return f"the Idempotency-Key has {len(key)} characters"
    at = next(place for place, character in enumerate(key) if not KEY.fullmatch(character))
    what = "a space" if key[at] == " " else "not a visible ASCII character"
    return f"character {at + 1} of the Idempotency-Key is {what}"
