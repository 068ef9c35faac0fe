"""Example queries for each service's console; and the one that no console answers."""

from topology.chosen import HOUSE
from topology.shown import Example, shown_of

JOIN = Example(
    "join",
    "The textbook JOIN across services",
    """-- Which seats were paid for? In one database this is one JOIN.
select s.label, s.status, p.status, p.amount
from seats.public.seats_seat s
join payments.public.payments_payment p on p.booking_id = s.booking_id;""",
)
JOIN_BARE = Example(
    "join-bare",
    "The same without naming the databases",
    """select s.label, p.status
from seats_seat s
join payments_payment p on p.booking_id = s.booking_id;""",
)


def examples(service: str) -> list[Example]:
    """What to try in this service's console, the refusals last. A service without examples gets its outbox."""
    room, table = shown_of(HOUSE.service(service)), HOUSE.service(service).outbox
    outbox = Example(
        "outbox", "The outbox", f"select seq, kind, type, destination, xid, time\nfrom {table} order by seq desc;"
    )
    write = Example("write", "Try to write", room.write or f"delete from {table};")
    return [*(room.examples or (outbox,)), JOIN, JOIN_BARE, write]
