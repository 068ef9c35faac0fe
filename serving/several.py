"""Several ids in one address, separated by commas: ?ids=1,2,3. At most MOST of them; unknown ones are left out of the answer."""

from typing import Annotated, TypeAlias
from uuid import UUID

from ninja import Query

from messaging.message import LARGEST_ID
from serving.problems import Problem

MOST = 100
SEPARATED = f"separated by commas, at most {MOST}"
Bookings: TypeAlias = Annotated[str | None, Query(description=f"ids of bookings, {SEPARATED}")]
Numbers: TypeAlias = Annotated[str | None, Query(description=f"numbers, {SEPARATED}")]


def bookings_of(one: UUID | None, several: str | None) -> list[UUID]:
    """Of a request that names either a `booking` or several `bookings`. Raises Problem 400, 422."""
    if (one is None) == (several is None):
        raise _invalid("booking", "name one `booking`, or several `bookings`")
    return [one] if one is not None else uuids("bookings", several or "")


def uuids(name: str, text: str) -> list[UUID]:
    """Raises Problem 400 for more than MOST, 422 for what is no id."""
    return [_uuid(name, word) for word in _words(name, text)]


def numbers(name: str, text: str) -> list[int]:
    """The same for whole numbers from 1 on."""
    return [_number(name, word) for word in _words(name, text)]


def _words(name: str, text: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not any(words):
        raise _invalid(name, "name at least one id")
    if len(words) > MOST:
        detail = f"at most {MOST} ids in one request, and these are {len(words)}: ask in several"
        where = [{"in": "query", "name": name, "detail": detail}]
        raise Problem(400, "Too many ids", detail, errors=where)
    return words


def _uuid(name: str, word: str) -> UUID:
    try:
        return UUID(word)
    except ValueError as error:
        raise _invalid(name, f"'{word[:40]}' is no id of a booking") from error


def _number(name: str, word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 20 and 1 <= int(word) <= LARGEST_ID):
        raise _invalid(name, f"'{word[:40]}' is no number from 1 to {LARGEST_ID}")
    return int(word)


def _invalid(name: str, detail: str) -> Problem:
    return Problem(
        422, "Invalid request", f"query {name}: {detail}", errors=[{"in": "query", "name": name, "detail": detail}]
    )
