"""The list at the door: who holds which ticket of a performance. A local join of Ticket's own rows with its copies of others'."""

from dataclasses import dataclass
from typing import Any

from messaging.database import Database

AT_ONCE = 1000  # rows of one answer
_LIST = """
    select t.id::text as ticket_id, t.seat, s.section, s.row, s.number, i.booking_id::text as booking_id,
        coalesce(h.customer_id, i.customer_id) as customer_id, c.name as customer, h.customer_id is not null as handed_over
    from tickets_issuance i
    join tickets_ticket t on t.issuance_id = i.booking_id
    left join tickets_holder h on h.ticket_id = t.id
    left join tickets_customerreplica c on c.id = coalesce(h.customer_id, i.customer_id)
    left join tickets_seatreplica s on s.performance_id = i.performance_id and s.label = t.seat
    where i.performance_id = %s and i.status = 'ISSUED'
    order by s.section, length(s.row), s.row, s.number, t.seat
    limit %s offset %s
"""
_COUNTS = """
    select customer_id, count(*) as bookings from tickets_customerbooking
    where customer_id = any(%s) and confirmed group by customer_id
"""
_CUSTOMER = "select id, name, email, version from tickets_customerreplica where id = %s"


@dataclass(frozen=True, slots=True)
class DoorList:
    """`rows`: sorted by place. `customer` is None for one that no copy knows, `section`, `row` and `number` for such a seat;
    `bookings`: the customer's confirmed ones. `more`: there are more rows after these.
    """

    rows: list[dict[str, Any]]
    more: bool


def door_list(db: Database, performance: str, *, limit: int = AT_ONCE, offset: int = 0) -> DoorList:
    """The valid tickets of a performance. Two statements in one database; no other service is needed."""
    rows = db.named(_LIST, [performance, limit + 1, offset])
    shown = rows[:limit]
    counts = bookings_of(db, {row["customer_id"] for row in shown})
    return DoorList([{**row, "bookings": counts.get(row["customer_id"], 0)} for row in shown], len(rows) > limit)


def bookings_of(db: Database, customers: set[int]) -> dict[int, int]:
    """How many confirmed bookings each of these customers has, as far as their events have come; no key for none."""
    return dict(db.rows(_COUNTS, [sorted(customers)]))


def customer_of(db: Database, customer: int) -> dict[str, Any] | None:
    """A customer as the copy has it, with `bookings`; None if the copy does not know it."""
    found = db.named(_CUSTOMER, [customer])
    return {**found[0], "bookings": bookings_of(db, {customer}).get(customer, 0)} if found else None
