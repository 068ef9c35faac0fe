"""What a form or an address has chosen, out of a few things; and what went wrong, in words for a page."""

from collections.abc import Iterable

from gateway.clients import ServiceDown
from serving.problems import Problem


def one_of(found: str, known: Iterable[str], what: str) -> str:
    """The text itself. Raises Problem 422 for any other than the known ones."""
    names = list(known)
    if found not in names:
        raise Problem(422, f"No such {what}", f"'{found[:40]}' is none of {', '.join(names)}")
    return found


def in_words(error: Problem | ServiceDown) -> str:
    return f"{error.title}: {error.detail}." if isinstance(error, Problem) else f"{error}."
