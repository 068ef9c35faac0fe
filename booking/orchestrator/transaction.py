"""Turns a batch of messages into one local transaction: lock, let the engine decide each message, write everything once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from booking.contract import EndSaga, SagaOverdue
from booking.orchestrator import outbound, saga_store, unknown
from booking.orchestrator.inbound import CANCEL_REQUESTED, Inbound, read
from booking.orchestrator.saga_store import BookingRow, LogLine, SagaRow, UnknownSaga
from booking.saga.book_tickets import BOOK_TICKETS
from booking.saga.cancel_booking import CANCEL_BOOKING
from booking.saga.definition import SagaDefinition
from booking.saga.definitions import UnknownSagaError
from booking.saga.engine import STUCK, advance
from booking.saga.events import Absorb, Event, Interrupted, MoveBooking, Note, Send, Started, Wait
from booking.saga.state import ACTIVE, SagaState, Status
from faults import Plan, Point
from messaging.database import Database
from messaging.inbox.batch import NotVisibleError
from messaging.observe import observe
from messaging.outbox import dual_write
from messaging.outbox.append import Message
from messaging.strikes import strike

ROUND = "round"  # in the context of a CancelBooking: how many of them there have been for its wish, including this one
ROUNDS = CANCEL_BOOKING.policies.retriable.attempts  # as many attempts as for any step that must succeed


def process(db: Database, envelopes: Sequence[dict[str, Any]], plan: Plan) -> None:
    """Handle a batch inside the transaction that `db` is in, in two statements whatever its size.

    Messages are decided in the order of arrival; several may be for one saga. Raises on a message that cannot be read
    or concerns nothing in this database, before anything is written.
    """
    _pass(Point.ORCHESTRATOR_BEFORE, envelopes, plan)
    inbound = [read(envelope) for envelope in envelopes]
    batch = _Batch(db, inbound)
    for message in inbound:
        batch.decide(message)
    batch.write(plan)
    _pass(Point.ORCHESTRATOR_AFTER, envelopes, plan)
    for message, why in batch.absorbed:
        _observe(plan, message.envelope, why)


def _pass(point: Point, envelopes: Sequence[dict[str, Any]], plan: Plan) -> None:
    for envelope in envelopes if plan.armed else ():
        strike(plan, point, envelope)


class _Batch:
    """The rows that a batch has locked, and what has to be written about them."""

    def __init__(self, db: Database, inbound: Sequence[Inbound]) -> None:
        self._db = db
        by_booking = {message.booking_id for message in inbound if message.booking_id}
        by_saga = {message.saga_id for message in inbound if message.saga_id}
        sagas, bookings, self.now = saga_store.lock(db, by_saga, by_booking)
        self.unknown = {saga.id: saga for saga in sagas if isinstance(saga, UnknownSaga)}
        known = [saga for saga in sagas if isinstance(saga, SagaRow)]
        self.sagas = {saga.state.id: saga for saga in known}
        self.bookings = {booking.id: booking for booking in bookings}
        self.active = {saga.booking_id: saga for saga in known if saga.state.status in ACTIVE}
        self.written: list[Callable[[Database], None]] = []
        self.messages: list[Message] = []
        self.log: list[LogLine] = []
        self.absorbed: list[tuple[Inbound, str]] = []

    def decide(self, message: Inbound) -> None:
        if stands := self._unknown(message):
            self._stand_still(stands, message)
        elif message.ends:
            self.absorbed.append((message, "only a saga that this version cannot continue is ended manually"))
        elif message.starts:
            self._start(message)
        elif message.cancels and self._cancellable(self._booking(message)):
            self._cancel(self._booking(message), message)
        elif saga := self._find(message):
            self._advance(saga, message.event(self.now), message)
        else:
            self.absorbed.append((message, "the booking has no saga that this could change"))

    def _unknown(self, message: Inbound) -> UnknownSaga | None:
        """The saga that this message concerns, if this version cannot continue it."""
        if message.saga_id is not None:
            return self.unknown.get(message.saga_id)
        found = [saga for saga in self.unknown.values() if saga.active and saga.booking_id == message.booking_id]
        return found[0] if found else None

    def _stand_still(self, saga: UnknownSaga, message: Inbound) -> None:
        """Only a person's decision to end it changes the saga. A reply to it waits, as a letter, for a newer version."""
        if message.ends:
            self._end(saga, message.ends, message)
        elif message.envelope["kind"] == "reply" and saga.active:
            raise UnknownSagaError(f"the saga waits for a person: {saga.why}")
        else:
            overdue = message.envelope["type"] == SagaOverdue.type()
            if overdue and saga.status in (Status.RUNNING, Status.FENCING, Status.COMPENSATING):
                self._stick(saga, message)
            self._absorb(saga, message, f"the saga waits for a person: {saga.why}")

    def _end(self, saga: UnknownSaga, command: EndSaga, message: Inbound) -> None:
        if why := unknown.refusal(saga, command):
            self._absorb(saga, message, why)
            return
        self.written.append(partial(unknown.end, saga=saga, command=command))
        del self.unknown[saga.id]
        note = Note("ended by hand", saga.step, saga.action, saga.attempt, command.reason)
        ended = replace(saga, status=unknown.END_OF[command.state])
        self.log.append(outbound.line(ended, note, message.envelope))
        booking = self.bookings[saga.booking_id]
        if command.state == CANCEL_BOOKING.completed:
            booking.cancel_saga_id = None
        self._set(booking, saga.id, MoveBooking(command.state, unknown.reason(command)), message.envelope)
        if self._cancellable(booking):
            self._cancel(booking, message)

    def _stick(self, saga: UnknownSaga, message: Inbound) -> None:
        self.written.append(partial(unknown.stick, saga=saga))
        note = Note("stuck", saga.step, saga.action, saga.attempt, saga.why)
        self.log.append(outbound.line(replace(saga, status=Status.STUCK), note, message.envelope))
        booking = self.bookings[saga.booking_id]
        self._set(booking, saga.id, MoveBooking(STUCK, saga.why), message.envelope)

    def _advance(self, saga: SagaRow, event: Event, message: Inbound) -> None:
        state, actions = advance(saga.definition, saga.state, event)
        if isinstance(actions[0], Absorb):
            self._absorb(saga, message, actions[0].why)
            return
        saga.state, saga.version, saga.changed = state, saga.version + 1, True
        saga.wait, saga.awaiting = None, ""
        for action in actions:
            match action:
                case Send():
                    saga.awaiting = action.service
                    self.messages.append(outbound.command(saga, action, message.envelope))
                case Wait():
                    saga.wait = action.seconds
                    saga.awaiting = saga.definition.steps[state.position].service
                case MoveBooking():
                    self._move(saga, action, message.envelope)
                case Note():
                    self.log.append(outbound.line(saga, action, message.envelope))
        booking = self.bookings[saga.booking_id]
        if self._cancellable(booking):  # the wish arrived too late to turn back, or the saga for it got no answer
            self._cancel(booking, message, saga.state.context.get(ROUND, 0) + 1)

    def _absorb(self, saga: SagaRow | UnknownSaga, message: Inbound, why: str) -> None:
        """Nothing happens. A person's decision is still recorded in the saga's log, with its reason."""
        self.absorbed.append((message, why))
        if message.decision is not None:
            self.log.append(outbound.decided_nothing(saga, message.decision, message.envelope, why))

    def write(self, plan: Plan) -> None:
        for statement in self.written:  # before a new saga of the same booking is written: one active saga a booking
            statement(self._db)
        saga_store.write(
            self._db,
            bookings=[booking for booking in self.bookings.values() if booking.changed],
            sagas=[saga for saga in self.sagas.values() if saga.changed],
            log=self.log,
            messages=dual_write.for_outbox(self._db, self.messages, plan),
        )

    def _start(self, message: Inbound) -> None:
        """Start the saga that BookTickets requests, unless it has been started before."""
        booking = self._booking(message)
        if booking.state != "PENDING":
            self.absorbed.append((message, "the booking's saga has been started before"))
            return
        context = {
            "booking_id": booking.id,
            "customer_id": booking.customer_id,
            "performance_id": booking.performance_id,
            "seats": booking.seats,
            "payment_method": booking.payment_method,
        }
        saga = self._new_saga(booking, booking.saga_id, BOOK_TICKETS, context)
        self._advance(saga, message.event(self.now), message)
        if booking.cancel_saga_id is not None:  # the wish to cancel overtook the start
            self._advance(saga, Interrupted(at=self.now, reason=CANCEL_REQUESTED), message)

    def _cancellable(self, booking: BookingRow) -> bool:
        return booking.state == BOOK_TICKETS.completed and booking.cancel_saga_id is not None

    def _cancel(self, booking: BookingRow, message: Inbound, number: int = 1) -> None:
        """Start CancelBooking for a confirmed booking whose customer wants that. `number`: how many there have been for
        this wish."""
        assert booking.cancel_saga_id is not None
        context = {"booking_id": booking.id, ROUND: number}
        saga = self._new_saga(booking, booking.cancel_saga_id, CANCEL_BOOKING, context)
        self._advance(saga, Started(at=self.now), message)

    def _new_saga(
        self, booking: BookingRow, saga_id: str, definition: SagaDefinition, context: dict[str, Any]
    ) -> SagaRow:
        saga = SagaRow(SagaState(id=saga_id, context=context), definition, booking.id)
        self.sagas[saga_id] = self.active[booking.id] = saga
        return saga

    def _find(self, message: Inbound) -> SagaRow | None:
        if message.saga_id is None:
            saga = self.active.get(self._booking(message).id)
            return saga if saga and saga.state.status in ACTIVE else None
        if message.saga_id not in self.sagas:
            raise LookupError(f"there is no saga {message.saga_id}")
        saga = self.sagas[message.saga_id]
        if message.booking_id not in (None, saga.booking_id):
            raise LookupError(f"saga {message.saga_id} is not of booking {message.booking_id}")
        return saga

    def _booking(self, message: Inbound) -> BookingRow:
        if message.booking_id not in self.bookings:
            raise NotVisibleError(f"there is no booking {message.booking_id}")
        return self.bookings[message.booking_id]

    def _move(self, saga: SagaRow, move: MoveBooking, envelope: dict[str, Any]) -> None:
        booking = self.bookings[saga.booking_id]
        if "amount" in saga.state.context:
            booking.amount, booking.currency = saga.state.context["amount"], saga.state.context["currency"]
        if move.state == CANCEL_BOOKING.completed or _refused_to_cancel(saga):
            booking.cancel_saga_id = None  # granted or refused: the wish is answered
        self._set(booking, saga.state.id, move, envelope)

    def _set(self, booking: BookingRow, saga_id: str, move: MoveBooking, envelope: dict[str, Any]) -> None:
        booking.state, booking.reason = move.state, move.reason
        booking.version, booking.changed = booking.version + 1, True
        self.messages.append(outbound.event(booking, saga_id, envelope))


def _refused_to_cancel(saga: SagaRow) -> bool:
    """A pivot that was lost and then fenced is not a refusal: the wish stays, and another saga tries again, at most
    ROUNDS times."""
    ended = saga.definition.name == CANCEL_BOOKING.name and saga.state.status == Status.COMPENSATED
    return ended and not (saga.state.fenced(saga.definition) and saga.state.context.get(ROUND, 1) < ROUNDS)


def _observe(plan: Plan, envelope: dict[str, Any], why: str) -> None:
    booking = str(envelope.get("correlationid", ""))
    observe(plan.redis, "booking", "absorbed", f"{envelope['type']}: {why}", booking=booking, message_id=envelope["id"])
