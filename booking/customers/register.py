"""Customers. Booking is their only writer; each change is an event with the customer's full state."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from booking.contract import CustomerRegistered
from booking.models import Outbox
from messaging.database import Database
from messaging.outbox.append import Message

_REGISTER = """
    insert into booking_customer (id, name, email, version)
    select id, name, email, 1 from jsonb_to_recordset(%s::jsonb) as r (id bigint, name text, email text)
    order by id on conflict (id) do nothing returning id
"""


@dataclass(frozen=True, slots=True)
class NewCustomer:
    id: int
    name: str
    email: str


def register(db: Database, customers: Iterable[NewCustomer]) -> list[int]:
    """Register the customers that do not exist yet; return their ids. Running it again changes nothing."""
    asked = {customer.id: customer for customer in customers}
    with db.atomic():
        registered = db.rows(_REGISTER, [json.dumps([asdict(customer) for customer in asked.values()])])
        new = sorted(pk for (pk,) in registered)
        db.append(Outbox, [_registered(asked[pk]) for pk in new])
    return new


def _registered(customer: NewCustomer) -> Message:
    event = CustomerRegistered(id=customer.id, name=customer.name, email=customer.email)
    return Message(
        kind="event", type=event.type(), data=event.model_dump(mode="json"), subject=str(customer.id), version=1
    )
