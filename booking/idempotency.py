"""The Idempotency-Key header: a client's name for one intention."""

import re
from typing import Any

from django.http import HttpRequest

from messaging.problems import Problem

KEY = re.compile(r"[\x21-\x7e]{1,255}")
IN_OPENAPI: dict[str, Any] = {
    "parameters": [{"in": "header", "name": "Idempotency-Key", "required": True, "schema": {"type": "string"}}]
}


def key_of(request: HttpRequest) -> str:
    """The request's key. Raises Problem 400."""
    key = request.headers.get("Idempotency-Key", "")
    if not KEY.fullmatch(key):
        detail = "send an Idempotency-Key header of 1 to 255 printable ASCII characters, a new one for each intention"
        raise Problem(400, "Idempotency-Key missing or malformed", detail)
    return key
