"""Customers. Booking is their only writer; each change is an event with the customer's full state."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.hashers import make_password

from booking.contract import CustomerRegistered
from booking.models import Outbox
from messaging.database import Database
from messaging.outbox.append import Message

_REGISTER = """
    insert into booking_customer (id, name, email, version)
    select id, name, email, 1 from jsonb_to_recordset(%s::jsonb) as r (id bigint, name text, email text)
    order by id on conflict (id) do nothing returning id
"""

_ADMIT = """
    insert into booking_credential (customer_id, password_hash)
    select id, hash from unnest(%s::bigint[], %s::text[]) as c (id, hash)
"""
HASHER = "scrypt"


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """`password`: None for a customer who cannot log in."""

    id: int
    name: str
    email: str
    password: str | None = field(default=None, repr=False)


def register(db: Database, customers: Iterable[NewCustomer]) -> list[int]:
    """Register the customers that do not exist yet, with their credentials; return their ids. Running it again changes
    nothing. A password goes into its hash and nowhere else.
    """
    asked = {customer.id: customer for customer in customers}
    rows = [{"id": customer.id, "name": customer.name, "email": customer.email} for customer in asked.values()]
    with db.atomic():
        new = sorted(pk for (pk,) in db.rows(_REGISTER, [json.dumps(rows)]))
        db.run(_ADMIT, [new, [make_password(asked[pk].password, hasher=HASHER) for pk in new]])
        db.append(Outbox, [_registered(asked[pk]) for pk in new])
    return new


def _registered(customer: NewCustomer) -> Message:
    event = CustomerRegistered(id=customer.id, name=customer.name, email=customer.email)
    return Message(
        kind="event", type=event.type(), data=event.model_dump(mode="json"), subject=str(customer.id), version=1
    )
