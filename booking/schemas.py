"""The bodies of requests that Booking's API takes. The front door documents them, too."""

from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from messaging.field_errors import form
from messaging.message import Amount, BigId, Currency, Slug, distinct
from seats.contract import SEATS_A_BOOKING
from serving.operator_token import OperatorAction

LONGEST_NAME = 80  # characters
Label = Annotated[str, form(r"^[\x21-\x7e]+$", "a seat as the map names it, such as A-15", max_length=20)]


class Strict(Schema):
    """ "123" is not a customer, and an unknown field is an error."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Seen(Strict):
    """The total price of all chosen seats that the buyer saw. `amount` in minor units of `currency`. If the price has
    changed, nothing is booked: 409 of type price-changed, with the current price. Left out: any price.
    """

    amount: Amount
    currency: Currency


class BookingIn(Strict):
    """What to book."""

    performance: Slug
    seats: Annotated[list[Label], Field(min_length=1, max_length=SEATS_A_BOOKING), distinct("seat")]
    customer: BigId
    payment_method: Annotated[str, form(r"^[a-z_]+$", "one of the test tokens, such as tok_visa", max_length=40)]
    seen: Seen | None = None


class CancelIn(Strict):
    """The customer who cancels; only the booking's own may."""

    customer: BigId


class RenameIn(Strict):
    """The new name, without controls. `version`: the customer's version that the caller saw; left out: any."""

    name: Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST_NAME})]  # checked by the view
    version: BigId | None = None


class Decided(OperatorAction):
    """The person, the reason, and what the person saw: the saga, and the attempt of a step's action that it waited for.
    Missing fields are taken from the saga's row when the request arrives.
    """

    saga_id: UUID | None = None
    step: Annotated[str, Field(max_length=200)] | None = None
    action: Annotated[str, Field(max_length=20)] | None = None
    attempt: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


class Ended(Decided):
    """`booking_state`: the booking's state after a saga that this version does not know has been ended manually."""

    booking_state: Literal["CANCELLED", "CONFIRMED"] = "CANCELLED"
