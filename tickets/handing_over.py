"""A ticket gets another holder: Ticket's own row, with the id of a customer that Booking owns."""

from dataclasses import dataclass
from uuid import UUID

from messaging.database import Database
from tickets.contract import IssuanceStatus

# A ticket cannot be voided meanwhile.
_TICKET = """
    select i.status from tickets_ticket t join tickets_issuance i on i.booking_id = t.issuance_id
    where t.id = %s for share of i
"""
_HOLDER = """
    insert into tickets_holder as h (ticket_id, customer_id, checked, version, at)
    values (%s, %s, %s, 1, clock_timestamp())
    on conflict (ticket_id) do update
        set customer_id = excluded.customer_id, checked = excluded.checked, version = h.version + 1, at = excluded.at
        where (h.customer_id, h.checked) is distinct from (excluded.customer_id, excluded.checked)
"""
_VERSION = "select version from tickets_holder where ticket_id = %s"


class UnknownTicket(LookupError):
    """No ticket has this id."""


class NotValid(RuntimeError):
    """The ticket admits nobody any more; the text says why."""


@dataclass(frozen=True, slots=True)
class Holder:
    ticket: UUID
    customer: int
    version: int


def check_ticket(db: Database, ticket: UUID) -> None:
    """Raises UnknownTicket or NotValid."""
    found = db.row(_TICKET, [ticket])
    if found is None:
        raise UnknownTicket(f"there is no ticket {ticket}")
    if found[0] != IssuanceStatus.ISSUED:
        raise NotValid(f"ticket {ticket} is void: its booking was cancelled")


def hand_over(db: Database, ticket: UUID, customer: int, checked: str) -> Holder:
    """Write the new holder. The same again changes nothing. `checked`: how the customer's id was checked. Raises UnknownTicket
    or NotValid."""
    with db.atomic():
        check_ticket(db, ticket)
        db.run(_HOLDER, [ticket, customer, checked])
        ((version,),) = db.rows(_VERSION, [ticket])
    return Holder(ticket, customer, version)
