"""Describes what is wrong with a field, in words for the sender: neither pydantic's phrases nor a regular expression.

    Slug = Annotated[str, form(r"^[a-z0-9](-?[a-z0-9])*$", "lower-case letters and digits, such as concert-2024", max_length=64)]

A phrase follows the field's name: "seats: has at most 8 entries, not 9".
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

FORMS: dict[str, str] = {}
"""Pattern -> what a text of that form is made of."""


def form(pattern: str, words: str, **limits: Any) -> Any:
    """A pydantic Field for a text of this form; `words` describe it, in the API's document too."""
    FORMS[pattern] = words
    return Field(pattern=pattern, description=words, **limits)


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


_Context = Mapping[str, Any]
_BY_TYPE: dict[str, Callable[[_Context], str]] = {
    "missing": lambda _: "is missing",
    "extra_forbidden": lambda _: "is no field that is known here",
    "string_unicode": lambda _: "holds half of a character",
    "string_too_short": lambda at: f"has to have at least {_characters(at['min_length'])}",
    "string_too_long": lambda at: f"has at most {_characters(at['max_length'])}",
    "string_pattern_mismatch": lambda at: f"has to be {FORMS.get(at['pattern'], 'of another form')}",
    "too_short": lambda at: f"has to have at least {_entries(at['min_length'])}, not {at['actual_length']}",
    "too_long": lambda at: f"has at most {_entries(at['max_length'])}, not {at['actual_length'] or 'more'}",
    "greater_than_equal": lambda at: f"has to be at least {at['ge']}",
    "greater_than": lambda at: f"has to be more than {at['gt']}",
    "less_than_equal": lambda at: f"has to be at most {at['le']}",
    "less_than": lambda at: f"has to be less than {at['lt']}",
    "enum": lambda at: f"has to be {at['expected']}",
    "literal_error": lambda at: f"has to be {at['expected']}",
    "value_error": lambda at: str(at["error"]),
    "assertion_error": lambda at: str(at["error"]),
}
_BY_FAMILY = {  # the first word of an error's type
    "string": "has to be text",
    "int": "has to be a whole number",
    "float": "has to be a number",
    "finite": "has to be a number",
    "decimal": "has to be a number",
    "bool": "has to be true or false",
    "list": "has to be a list",
    "tuple": "has to be a list",
    "set": "has to be a list",
    "dict": "has to be an object",
    "mapping": "has to be an object",
    "model": "has to be an object",
    "none": "has to be null",
    "uuid": "has to be a UUID",
    "datetime": "has to be a moment with its zone, such as 2030-01-01T19:00:00Z",
    "timezone": "has to be a moment with its zone, such as 2030-01-01T19:00:00Z",
    "date": "has to be a date, such as 2030-01-01",
    "json": "has to be JSON",
}


def words(error: Mapping[str, Any]) -> str:
    """The phrase for one of a pydantic ValidationError's `errors()`."""
    kind, context = str(error["type"]), error.get("ctx") or {}
    if kind in _BY_TYPE:
        return _BY_TYPE[kind](context)
    return _BY_FAMILY.get(kind.split("_")[0], "is not as it has to be")
