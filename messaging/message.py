"""The base of every message type that crosses a service boundary."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from messaging.envelope import FIRST, check_major, contract_version
from messaging.field_errors import form, words
from messaging.storable import check_moment


def _canonical(text: str) -> str:
    return str(UUID(text))


Id = Annotated[str, AfterValidator(_canonical), Field(description="a UUID, as text")]

_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def written(moment: object) -> object:
    """A time as text begins with a date. A number would be read as seconds since 1970, in an unnamed zone."""
    if not isinstance(moment, datetime) and not (isinstance(moment, str) and _WRITTEN.match(moment)):
        raise ValueError("has to be text: a moment with its zone, such as 2030-01-01T19:00:00Z")
    return moment


# JSON has no times, only text: a moment is read from text in a body that is otherwise strict.
# It must be one that PostgreSQL and Python can both hold, whatever its zone.
Moment = Annotated[datetime, Field(strict=False), BeforeValidator(written), AfterValidator(check_moment)]
SLUG = r"^[a-z0-9](-?[a-z0-9])*$"
Slug = Annotated[
    str,
    form(SLUG, "lower-case letters and digits, with single hyphens between them, such as concert-2024", max_length=64),
]
LARGEST_ID = 2**63 - 1  # a bigint
BigId = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Amount = Annotated[int, Field(ge=0, le=2**53 - 1, description="money in minor units of its currency (KRW has none)")]
Currency = Annotated[str, form(r"^[A-Z]{3}$", "the three capital letters of a currency (ISO 4217), such as EUR")]


def distinct(what: str) -> AfterValidator:
    """Of a list: no value twice. `what` names one of its values."""

    def check(values: list[Any]) -> list[Any]:
        if len(set(values)) < len(values):
            raise ValueError(f"the same {what} twice")
        return values

    return AfterValidator(check)


def describe_error(error: Exception) -> str:
    """An exception in one line; for a body that breaks its contract, each wrong field and what is wrong with it."""
    if isinstance(error, ValidationError):
        wrong = (f"{'.'.join(map(str, one['loc'])) or 'data'}: {words(one)}" for one in error.errors())
        return f"{error.title} does not match its contract: {'; '.join(wrong)}"
    return f"{type(error).__name__}: {error}"


class Body(BaseModel):
    """What a command, reply or event carries in `data`: typed, frozen, validated on arrival.

    A contract's messages are of a `kind` below; a Body of no kind is a part of one. Raises pydantic.ValidationError, whose
    text names each wrong field, when a message does not have the shape its contract declares.

    A contract may grow: `schema_version` is its major and minor version. Another minor one has more fields, each with a
    default; another major one is another contract.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    schema_version: ClassVar[str] = FIRST

    kind: ClassVar[str] = ""

    @classmethod
    def type(cls) -> str:
        return cls.__name__

    @classmethod
    def parse(cls, data: object) -> Self:
        return cls.model_validate(data)

    @classmethod
    def read(cls, envelope: Mapping[str, Any]) -> Self:
        """The body of an envelope. Fields that only a newer minor version has are ignored: stored copies keep them.

        Raises NewerContractError for a newer major version, ValueError for an older one.
        """
        known, minor = contract_version(cls.schema_version)
        newer = check_major(envelope.get("dataschema"), known, cls.type()) > minor
        if newer and cls.model_config.get("extra") == "forbid":
            return cls.model_validate(envelope["data"], extra="ignore")
        return cls.model_validate(envelope["data"])


class Command(Body):
    """Asks one service to do something; its name is imperative. `asked`: the label of the button that requests it, ""
    if there is none. `refusals`: the reasons for which the service may refuse it."""

    kind: ClassVar[str] = "command"
    asked: ClassVar[str] = ""
    refusals: ClassVar[tuple[str, ...]] = ()


class Fence(Command):
    """Asks how another command ended, and makes sure that it never acts if it has not yet. It cannot be refused."""

    kind: ClassVar[str] = "fence"


class Report(Command):
    """A participant's unsolicited command to the orchestrator: no saga has asked for it."""

    kind: ClassVar[str] = "report"


class Event(Body):
    """Publishes what has happened; its name is past tense. It carries the full state of its subject."""

    kind: ClassVar[str] = "event"
