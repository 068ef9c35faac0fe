"""Checks of requested values; the error messages name what is allowed."""

import math
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

UNKEPT = re.compile("[\x00\ud800-\udfff]")  # UTF-8 cannot encode halves of surrogate pairs, and no database stores NUL


class FaultError(ValueError):
    """The requested fault makes no sense; the text names what would."""


def one_of(kind: type[StrEnum], value: Any, name: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise FaultError(f"unknown {name} {value!r}; there are {', '.join(kind)}") from None


def number(value: Any, name: str, least: float, most: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        raise FaultError(f"{name} is a number from {least:g} to {most:g}, not {value!r}")
    if not least <= value <= most:  # also for a whole number that no float can hold
        raise FaultError(f"{name} is from {least:g} to {most:g}, not {value!r:.30}")


def whole(value: Any, name: str, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise FaultError(f"{name} is a whole number from {least} to {most}, not {value!r}")


def text(value: Any, name: str) -> None:
    if not isinstance(value, str) or len(value) > 200 or UNKEPT.search(value):
        raise FaultError(f"{name} is a text of at most 200 characters")


def moment(value: Any, name: str) -> str:
    """The same moment in UTC with six decimals, so that moments can be compared as texts (the claiming script does)."""
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise FaultError(f"{name} needs a time zone: {value!r}")
        return iso(found)
    except FaultError:
        raise
    except (TypeError, ValueError, OverflowError):
        raise FaultError(f"{name} is an ISO 8601 time, not {value!r}") from None


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
