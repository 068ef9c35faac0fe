"""The request that announces a performance: a hall that can be drawn, with payable prices."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Self

from ninja import Schema
from pydantic import ConfigDict, Field, model_validator

from messaging.field_errors import form
from messaging.message import Currency, Moment, Slug
from messaging.typed_text import Typed

MOST_SEATS = 5000  # they travel in one event
LONGEST = 100  # characters of a title, a venue or a section
RowName = Annotated[str, form(r"^[A-Z0-9]{1,4}$", "one to four capital letters or digits, such as A or 12")]


class BlockIn(Schema):
    """Rows of a section that cost the same, with seats 1 to `seats_a_row` each. `price` in minor units of the currency."""

    model_config = ConfigDict(extra="forbid", strict=True)

    section: Annotated[str, Typed("section", LONGEST)]
    rows: Annotated[list[RowName], Field(min_length=1, max_length=100)]
    seats_a_row: Annotated[int, Field(ge=1, le=100)]
    price: Annotated[int, Field(ge=0, le=10**12)]


class PerformanceIn(Schema):
    """A performance still to come. Row names are unique in the hall: row A's seats are A-1, A-2 ..."""

    model_config = ConfigDict(extra="forbid")

    id: Slug
    title: Annotated[str, Typed("title", LONGEST)]
    venue: Annotated[str, Typed("venue", LONGEST)]
    starts_at: Moment
    currency: Currency
    blocks: Annotated[list[BlockIn], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _can_be_played(self) -> Self:
        twice = [
            name for name, count in Counter(row for block in self.blocks for row in block.rows).items() if count > 1
        ]
        if twice:
            raise ValueError(f"row {', '.join(twice)} is there twice; a hall's rows have different names")
        seats = sum(len(block.rows) * block.seats_a_row for block in self.blocks)
        if seats > MOST_SEATS:
            raise ValueError(f"{seats} seats; a performance has at most {MOST_SEATS}")
        if self.starts_at <= datetime.now(UTC):
            raise ValueError("starts_at is in the past, so nobody could book")
        return self
