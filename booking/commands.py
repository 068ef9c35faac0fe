"""Booking's inbox: every message on the queue `booking` goes to the orchestrator."""

from booking.contract import BookTickets, Reply
from booking.models import DeadLetter
from booking.orchestrator import process
from booking.orchestrator.saga_store import lock
from booking.placing import transaction
from faults import Plan
from messaging.database import Database
from messaging.inbox.batch import Inbox
from messaging.process.redis import redis_client
from messaging.process.warm_up import made_up
from seats.contract import ReserveSeats

_inbox = Inbox(service="booking", dead_letter=DeadLetter, process=process, redis=redis_client)
handle = _inbox.handle


def rehearse() -> None:
    """Do once, without effect, the work that delays the first message."""
    _inbox.rehearse(_begin_a_saga)


def _begin_a_saga(db: Database, plan: Plan) -> None:
    """The saga of a made-up booking, up to the reply to its first command."""
    booking = transaction.rehearse(db)
    process(db, [made_up(BookTickets(booking_id=booking))], plan)
    _, (placed,), _ = lock(db, [], [booking])
    reply = Reply.parse({"status": "succeeded", "amount": 0, "currency": "KRW"})
    process(db, [made_up(reply, kind="reply", sagaid=placed.saga_id, sagastep=ReserveSeats.type())], plan)
