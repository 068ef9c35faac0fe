"""A customer gets another name: the row, the event for the views, and the idempotency key, in one local transaction."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from booking import idempotency
from booking.contract import CustomerRenamed
from booking.models import Outbox
from messaging.database import Database
from messaging.outbox.append import Message


class Why(StrEnum):
    """Why a customer is not renamed."""

    UNKNOWN = "there is no such customer"
    REUSED = idempotency.REUSED
    MOVED = "another request has changed the customer meanwhile; reload and try again"


class CannotRename(Exception):
    """Nothing has been written, not even the key."""

    def __init__(self, why: Why) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """A request. `name` is normalised by messaging.typed_text; `version`: the one that the caller has seen, None for any."""

    key: str
    customer: int
    name: str
    version: int | None = None

    def fingerprint(self) -> str:
        return idempotency.fingerprint("rename", self.customer, self.name, self.version)


# Bookings for the customer need not wait meanwhile: a foreign key needs only the key.
_LOCK = "select id, name, email, version from booking_customer where id = %s for no key update"
_RENAME = "update booking_customer set name = %s, version = version + 1 where id = %s"


def rename(db: Database, wanted: Renaming) -> dict[str, Any]:
    """Rename, and return the customer as it is now: id, name, email, version. Raises CannotRename.

    A name that the customer already has changes nothing and publishes nothing. A repeated key returns the customer as
    it is now.
    """
    with db.atomic():
        found = db.row(_LOCK, [wanted.customer])
        if found is None:
            raise CannotRename(Why.UNKNOWN)
        customer = dict(zip(("id", "name", "email", "version"), found, strict=True))
        try:
            new = idempotency.claim(db, wanted.key, wanted.fingerprint())
        except idempotency.KeyReused:
            raise CannotRename(Why.REUSED) from None
        if not new:
            return customer
        if wanted.version not in (None, customer["version"]):
            raise CannotRename(Why.MOVED)
        if wanted.name != customer["name"]:
            db.run(_RENAME, [wanted.name, wanted.customer])
            customer |= {"name": wanted.name, "version": customer["version"] + 1}
            db.append(Outbox, [_renamed(customer)])
        return customer


def _renamed(customer: dict[str, Any]) -> Message:
    event = CustomerRenamed(id=customer["id"], name=customer["name"], email=customer["email"])
    data, subject = event.model_dump(mode="json"), str(customer["id"])
    return Message(kind="event", type=event.type(), data=data, subject=subject, version=customer["version"])
