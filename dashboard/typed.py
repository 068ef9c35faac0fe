"""Numbers that people type, and the key that a form sends: never a traceback, whatever they contain."""

import math

from django.http import HttpRequest

from messaging.message import LARGEST_ID as LARGEST

DIGITS = len(str(LARGEST))


def whole(text: str) -> int | None:
    """A whole number up to 2^63 - 1, in ASCII digits; None for anything else."""
    found = int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else LARGEST + 1
    return found if found <= LARGEST else None


def whole_or_text(text: str) -> int | str:
    """The number; otherwise the text unchanged, which the service will refuse."""
    found = whole(text)
    return text if found is None else found


def number_or_text(text: str) -> float | int | str:
    """A finite number, also negative or a fraction; otherwise the text unchanged."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    if (found := whole(digits)) is not None:
        return sign * found
    if digits.isdigit():  # a whole number that no service takes; as a fraction it would be another one
        return text
    try:
        fraction = float(text) if text.isascii() and len(text) <= DIGITS else math.nan
    except ValueError:
        return text
    return fraction if math.isfinite(fraction) else text


def form_key(request: HttpRequest) -> str:
    """The form's Idempotency-Key; "", which every service refuses, for one that no header can hold."""
    key = request.headers.get("Idempotency-Key", "")
    return key if key.isascii() and key.isprintable() else ""
