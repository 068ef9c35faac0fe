"""The base of every message type that crosses a service boundary."""

from typing import Self

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """What a command, reply or event carries in `data`: typed, frozen, validated on arrival.

    Commands are imperative (`ReserveSeats`), events past tense (`SeatsReserved`). Raises pydantic.ValidationError, whose
    text names each wrong field, when a message does not have the shape its contract declares.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def type(cls) -> str:
        return cls.__name__

    @classmethod
    def parse(cls, data: object) -> Self:
        return cls.model_validate(data)
