"""The watchdog: finds what is overdue and reports it. The saga's own transaction decides what to do.

A watchdog that resends everything that is late makes an overload worse: a naive one sent 2,214 useless commands in one
run. So: nothing for a service whose queue is not empty (the answer is late because the service is busy), nothing while
our own queue is not empty, and a bounded number in flight for each service. And nothing about a saga that a person
holds at a breakpoint: its clock is stopped too.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from redis import Redis

from booking.contract import BookTickets, CancelRequested, SagaOverdue
from booking.models import Outbox
from booking.saga.definitions import definitions, known_places
from booking.saga.state import Status
from messaging.database import Database
from messaging.outbox.append import Message
from messaging.outbox.publisher import queue_of
from topology.tuning import Count, Seconds

OWN_QUEUE = "booking"
IN_FLIGHT: Count = 50  # for each service
LEASE_S: Seconds = 5.0  # after that a SagaOverdue is considered lost

# A saga at a step that this version does not know waits for a version that does, or for a person.
_KNOWN = [list(column) for column in zip(*known_places(), strict=True)]
_RUNNING = ", ".join(f"'{status}'" for status in (Status.RUNNING, Status.FENCING, Status.COMPENSATING))
# In flight: reported overdue and not handled yet, or sent again and not answered yet. `skip locked`: a saga whose row
# is locked is being handled at this moment.
_CLAIM = f"""
    with busy as (
        select awaiting, count(*) as number from booking_saga
        where state in ({_RUNNING}) and due_at > clock_timestamp() and (overdue or attempt > 1) group by awaiting
    ), late as (
        select id, awaiting, row_number() over (partition by awaiting order by due_at) as place from booking_saga
        where state in ({_RUNNING}) and due_at <= clock_timestamp() and awaiting = any (%s)
            and booking_id::text <> all (%s) and (definition, definition_version, step, action) in (
                select * from unnest(%s::text[], %s::int[], %s::text[], %s::text[]))
    ), chosen as (
        select s.id from booking_saga s join late using (id) left join busy on busy.awaiting = late.awaiting
        where late.place <= %s - coalesce(busy.number, 0) order by s.id for update of s skip locked
    )
    update booking_saga s set due_at = clock_timestamp() + %s * interval '1 second', overdue = true
    from chosen where s.id = chosen.id and s.due_at <= clock_timestamp()
    returning s.id::text, s.booking_id::text, s.step, s.action, s.attempt
"""
_CLAIM_UNSTARTED = """
    update booking_booking b set due_at = clock_timestamp() + %s * interval '1 second'
    where b.id = any (array(
            select id from booking_booking where due_at is not null and due_at <= clock_timestamp() and id::text <> all (%s)
            order by due_at limit %s for update skip locked))
        and (b.state = 'PENDING' or b.state = 'CONFIRMED' and b.cancel_requested_at is not null)
    returning b.id::text, b.saga_id::text, b.state
"""


def services() -> list[str]:
    """The services that the sagas send commands to."""
    return sorted({step.service for definition in definitions() for step in definition.steps})


def lags(redis: Redis, services: Iterable[str]) -> dict[str, int]:
    """How many messages wait in the queue of each service. Raises RedisError."""
    names = list(services)
    pipe = redis.pipeline(transaction=False)
    for name in names:
        pipe.llen(queue_of(name))
    return dict(zip(names, cast(list[int], pipe.execute()), strict=True))


def patrol(db: Database, queued: Mapping[str, int], held: Collection[str] = ()) -> int:
    """Report what is overdue, given the length of each queue; return how many messages were sent.

    `held`: ids of the bookings that are held on purpose.
    """
    if queued[OWN_QUEUE]:
        return 0
    idle = [service for service in services() if not queued[service]]
    with db.atomic():
        messages = [*_overdue(db, idle, held), *_unstarted(db, held)]
        db.append(Outbox, messages)
    return len(messages)


def _overdue(db: Database, idle: Collection[str], held: Collection[str]) -> list[Message]:
    """Claim, by a lease, overdue sagas that wait for one of these services."""
    claimed = db.rows(_CLAIM, [list(idle), list(held), *_KNOWN, IN_FLIGHT, LEASE_S])
    return [
        _message(
            SagaOverdue.type(),
            {"saga_id": saga_id, "step": step, "action": action, "attempt": attempt},
            booking_id=booking_id,
            saga_id=saga_id,
        )
        for saga_id, booking_id, step, action, attempt in claimed
    ]


def _unstarted(db: Database, held: Collection[str]) -> list[Message]:
    """Claim bookings whose saga has not started: their BookTickets or CancelRequested may have been lost with Redis."""
    claimed = db.rows(_CLAIM_UNSTARTED, [LEASE_S, list(held), IN_FLIGHT])
    return [
        _message(
            BookTickets.type() if state == "PENDING" else CancelRequested.type(),
            {"booking_id": booking_id},
            booking_id=booking_id,
            saga_id=saga_id,
        )
        for booking_id, saga_id, state in claimed
    ]


def _message(type_: str, data: dict[str, Any], *, booking_id: str, saga_id: str) -> Message:
    return Message(
        kind="command",
        type=type_,
        data=data,
        destination=OWN_QUEUE,
        subject=booking_id,
        correlation_id=booking_id,
        saga_id=saga_id,
    )
