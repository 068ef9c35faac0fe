"""Example queries for each service's console; and the one that no console answers."""

from dataclasses import dataclass

from topology.chosen import HOUSE


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    title: str
    sql: str


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
WRITES = {
    "booking": "update booking_booking set state = 'CONFIRMED';",
    "seats": "update seats_seat set status = 'AVAILABLE', booking_id = null;",
    "payments": "delete from payments_payment;",
    "tickets": "update tickets_issuance set status = 'ISSUED', reason = '';",
    "projections": "update projections_bookingview set state = 'CONFIRMED';",
}
OWN = {
    "booking": (
        Example(
            "sagas",
            "The state of each saga",
            """select definition, state, step, action, attempt, due_at
from booking_saga order by id desc;""",
        ),
        Example(
            "log",
            "The orchestrator's log",
            """select at, who, what, step, action, attempt, error, state
from booking_sagalog order by id desc;""",
        ),
    ),
    "seats": (
        Example(
            "status",
            "Seats by status: RESERVED is the semantic lock",
            """select performance_id, status, count(*)
from seats_seat group by 1, 2 order by 1, 2;""",
        ),
        Example(
            "holds",
            "The latest holds, and when they expire",
            """select id, status, expires_at, amount, currency, version
from seats_hold order by id desc;""",
        ),
    ),
    "payments": (
        Example(
            "money",
            "Payments taken, declined and refunded",
            """select status, currency, count(*), sum(amount)
from payments_payment group by 1, 2 order by 1;""",
        ),
        Example("barrier", "The barrier: each action once, with the stored reply", "select * from payments_barrier;"),
    ),
    "tickets": (
        Example(
            "issued",
            "Tickets, and whether they are still valid",
            """select i.status, t.seat, t.id
from tickets_ticket t
join tickets_issuance i on i.booking_id = t.issuance_id
order by t.id desc;""",
        ),
        Example(
            "outbox",
            "The outbox: what Ticket sent to the others",
            """select seq, kind, type, destination, xid, time
from tickets_outbox order by seq desc;""",
        ),
    ),
    "projections": (
        Example(
            "answer",
            "The answer to the JOIN: the CQRS view",
            """select id, seats, state, hold_status, payment_status, amount, tickets_status
from projections_bookingview
order by id desc;""",
        ),
        Example(
            "lag",
            "The progress of each view",
            """select view, source, applied, lag_ms, behind, updated_at
from projections_checkpoint order by view, source;""",
        ),
        Example(
            "sums",
            "A sum over contributions, without deltas",
            """select performance_id, currency, sum(taken) as taken, sum(refunded) as refunded
from projections_salesbooking group by 1, 2;""",
        ),
    ),
}


def examples(service: str) -> list[Example]:
    """What to try in this service's console, the refusals last. A service without examples gets its outbox."""
    table = HOUSE.service(service).outbox
    outbox = Example(
        "outbox", "The outbox", f"select seq, kind, type, destination, xid, time\nfrom {table} order by seq desc;"
    )
    write = WRITES.get(service, f"delete from {table};")
    return [*OWN.get(service, (outbox,)), JOIN, JOIN_BARE, Example("write", "Try to write", write)]
