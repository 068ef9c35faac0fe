"""What is wrong with a field, in words: every error pydantic knows has some, and none of them are pydantic's."""

import json
import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core.core_schema import ErrorType

from messaging.field_errors import form, words

THEIRS = re.compile(r"Value error|after validation|should|Input|Extra|pattern|\\|\^|Field required")


def _refuse(value: object) -> object:
    raise ValueError("nobody is called that")


class Colour(StrEnum):
    RED = "red"


class Part(BaseModel):
    name: str


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=2, max_length=3)] = ""
    slug: Annotated[str, form("^[a-z]+$", "lower-case letters")] = ""
    other: Annotated[str, Field(pattern=r"^\d+$")] = ""
    count: Annotated[int, Field(ge=1, le=5)] = 0
    share: Annotated[float, Field(gt=0, lt=1)] = 0
    sure: bool = True
    many: Annotated[list[int], Field(min_length=1, max_length=2)] = []
    at: AwareDatetime | None = None
    day: date | None = None
    moment: datetime | None = None
    id: UUID | None = None
    colour: Colour | None = None
    kind: Literal["a", "b"] | None = None
    part: Part | None = None
    table: dict[str, int] = {}
    name: Annotated[str, AfterValidator(_refuse)] = ""


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("text", 5, "has to be text"),
        ("text", "x", "has to have at least 2 characters"),
        ("text", "xxxx", "has at most 3 characters"),
        ("text", "\ud800x", "holds half of a character"),
        ("slug", "X", "has to be lower-case letters"),
        ("other", "x", "has to be of another form"),
        ("count", "x", "has to be a whole number"),
        ("count", 1.5, "has to be a whole number"),
        ("count", "9" * 5000, "has to be a whole number"),
        ("count", 0, "has to be at least 1"),
        ("count", 6, "has to be at most 5"),
        ("share", "x", "has to be a number"),
        ("share", 0, "has to be more than 0.0"),
        ("share", 1, "has to be less than 1.0"),
        ("sure", "perhaps", "has to be true or false"),
        ("many", {}, "has to be a list"),
        ("many", [], "has to have at least 1 entry, not 0"),
        ("many", [1, 2, 3], "has at most 2 entries, not 3"),
        ("at", "soon", "has to be a moment with its zone, such as 2030-01-01T19:00:00Z"),
        ("at", "2030-01-01T19:00:00", "has to be a moment with its zone, such as 2030-01-01T19:00:00Z"),
        ("day", "soon", "has to be a date, such as 2030-01-01"),
        ("moment", [], "has to be a moment with its zone, such as 2030-01-01T19:00:00Z"),
        ("id", "x", "has to be a UUID"),
        ("colour", "blue", "has to be 'red'"),
        ("kind", "c", "has to be 'a' or 'b'"),
        ("part", 5, "has to be an object"),
        ("part", {}, "is missing"),
        ("table", [], "has to be an object"),
        ("name", "x", "nobody is called that"),
        ("none", "x", "is no field that is known here"),
    ],
)
def test_a_field_says_in_words_what_is_wrong_with_it(field: str, value: Any, told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Whole.model_validate({field: value})
    (error,) = refused.value.errors()
    assert words(error) == told
    assert not THEIRS.search(words(error))


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_no_error_is_told_in_the_words_of_the_library(kind: str) -> None:
    """Of those that no request of ours can cause at least something is said."""
    names = ["min_length", "max_length", "actual_length", "pattern", "error", "expected", "ge", "gt", "le", "lt"]
    context = dict.fromkeys(names, "7")
    told = words({"type": kind, "msg": "Input should match '^x'", "ctx": context})
    assert told
    assert not THEIRS.search(told)
    assert json.dumps(told)
