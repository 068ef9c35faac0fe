"""Any play of the whole protocol on the real services: hypothesis is the customers, the network, the clock and the projectors.

Engine, orchestrator, barriers, handlers and views are the product's own, on real databases; the judge is the real auditor.
"""

import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from django.apps import apps
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from audit.verdict import Status, judge
from booking.cancelling import Cancellation, CannotCancel, request_cancel
from booking.contract import RetryNow
from booking.models import Booking, Saga
from messaging import envelope as envelopes
from messaging.database import Database
from projections.database import PROJECTIONS
from projections.views import VIEWS
from proofs.timeline import Timeline
from seats.contract import HoldExpired
from tests.booking.world import seen
from tests.house import SERVICES, House
from tests.messages import command
from tests.proofs.models import truth
from tests.proofs.models.kept import COUNTER_EXAMPLES, tell
from tests.proofs.models.taping import Taping

ALIASES = (*SERVICES, "projections")
SEATS = ("A-1", "A-2", "A-3")
METHODS = ("tok_visa", "tok_visa", "tok_visa", "tok_declined")
OVER = ("COMPLETED", "COMPENSATED")
ROUNDS = 60  # of overdue and retry, after which a saga that has not ended never will
Envelope = dict[str, Any]


class RandomHouse(RuleBasedStateMachine):
    """Up to three bookings for three seats. Every play ends with rest and a verdict, and is rolled back.

    But for the one that hypothesis shows: that one is committed, and recorded for the player.
    """

    check_sequence: ClassVar[bool] = True
    strict: ClassVar[bool] = True  # also: all ended, no dead letter. Off in a control, which is to break an invariant
    tapes: ClassVar[Path | None] = COUNTER_EXAMPLES  # where the play that is shown is written to; None: nowhere

    def __init__(self) -> None:
        super().__init__()
        self._undo = ExitStack()
        self._taping = Taping(self.tapes, ALIASES)
        if not self._taping.on:
            for alias in ALIASES:
                self._undo.enter_context(transaction.atomic(using=alias))
                self._undo.callback(transaction.set_rollback, True, using=alias)
        self.timeline = Timeline(self._taping.tell)
        self.house = House()
        self._read = dict.fromkeys(SERVICES, 0)
        self.bookings: list[Booking] = []
        self.pending: list[Envelope] = []
        self.events: list[Envelope] = []  # everything published
        self.unseen: list[Envelope] = []  # no view has had it yet
        self.strays: list[Envelope] = []
        self.echoes: list[Envelope] = []  # events that come once more, long after
        self._collect()

    # What customers do

    @initialize(steps=st.sampled_from([0, 2, 4, 6, 9]))
    def go_well_at_first(self, steps: int) -> None:
        """Random play seldom comes far, and it is from the pivot on that it gets interesting."""
        self._book(["A-1"], 123, "tok_visa")
        for _ in range(steps):
            if self.pending:
                self._deliver([self.pending.pop(0)])

    @precondition(lambda self: len(self.bookings) < 3)
    @rule(seats=st.sets(st.sampled_from(SEATS), min_size=1), method=st.sampled_from(METHODS))
    def book(self, seats: set[str], method: str) -> None:
        self._book(sorted(seats), 1042, method)

    @precondition(lambda self: self.bookings)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self._cancel(self._any(data))

    def _cancel(self, booking: Booking) -> None:
        try:
            wanted = Cancellation(key=str(uuid.uuid4()), booking=str(booking.id), customer=booking.customer_id)
            request_cancel(Database("booking"), wanted)
            self.timeline.record("request", "booking", "cancel", [str(booking.id)])
        except CannotCancel as refused:
            self.timeline.record("refused", "booking", "cancel", [str(booking.id)], why=str(refused))
        self._collect()

    # What the network does

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), again=st.booleans())
    def deliver(self, data: st.DataObject, again: bool) -> None:
        number = data.draw(st.integers(0, len(self.pending) - 1))
        self._deliver([self.pending[number] if again else self.pending.pop(number)])

    @precondition(lambda self: len(self.pending) > 1)
    @rule(data=st.data())
    def deliver_a_batch(self, data: st.DataObject) -> None:
        destination = data.draw(st.sampled_from(sorted({one["destination"] for one in self.pending})))
        batch = data.draw(st.permutations([one for one in self.pending if one["destination"] == destination]))
        self.pending = [one for one in self.pending if one["destination"] != destination]
        self._deliver(list(batch))

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        lost = self.pending.pop(data.draw(st.integers(0, len(self.pending) - 1)))
        self._tell_of("lost", lost["destination"], lost, causes=[lost["id"]])

    @rule(data=st.data())
    def project(self, data: st.DataObject) -> None:
        """A view reads events in any order, some for the second time, some not yet."""
        numbers = data.draw(st.lists(st.integers(0, len(self.events) - 1), max_size=6))
        self._project([self.events[number] for number in numbers])

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def stray(self, data: st.DataObject) -> None:
        """A copy of a message will come when everything is over: from a worker that was stopped and wakes late."""
        self.strays.append(self.pending[data.draw(st.integers(0, len(self.pending) - 1))])
        self._tell_of("stray", self.strays[-1]["destination"], self.strays[-1])

    @rule(data=st.data())
    def echo(self, data: st.DataObject) -> None:
        """An event will come once more when everything is over: a relay that starts again from an old position."""
        self.echoes.append(self.events[data.draw(st.integers(0, len(self.events) - 1))])
        self._tell_of("echo", "projections", self.echoes[-1])

    # What time does

    @precondition(lambda self: self.bookings)
    @rule(data=st.data())
    def time_is_over(self, data: st.DataObject) -> None:
        self._overdue(self._any(data))

    @precondition(lambda self: self.bookings)
    @rule(data=st.data())
    def hold_expires(self, data: st.DataObject) -> None:
        expired = command(HoldExpired(booking_id=str(self._any(data).id)), source="/seats", destination="booking")
        self._deliver_unsent("expired", expired)

    # At the end

    def teardown(self) -> None:
        try:
            self._rest()
            self._judge()
        finally:
            tell(f"timeline:\n{self.timeline.text()}")
            self._undo.close()
            self._taping.end()

    def _rest(self) -> None:
        """The network has come to its senses: everything arrives, what is overdue is asked again, a person retries."""
        for _ in range(ROUNDS):
            while self.pending:
                self._deliver([self.pending.pop(0)])
            running = [one for one in self.bookings if not self._ended(one)]
            if not running and not self.strays:
                break
            for booking in running:
                if Saga.objects.filter(booking=booking, state="STUCK").exists():
                    again = command(RetryNow(**seen(booking)), destination="booking")
                    self._deliver_unsent("operator", again)
                elif Saga.objects.filter(booking=booking).exclude(state__in=OVER).exists():
                    self._overdue(booking)
                else:
                    self._start_again(booking)
            if not running:
                self.pending, self.strays = self.strays, []
        self._project(self.unseen)
        self._project(self.echoes)

    def _judge(self) -> None:
        verdict = judge(truth.read())
        broken = [found for found in verdict.findings if found.status == Status.VIOLATED]
        for found in broken:
            what = [piece["what"] for piece in found.evidence]
            self.timeline.record("violation", "audit", f"{found.invariant.title}: {'; '.join(what[:3])}")
        assert not broken, [(found.invariant.name, found.evidence) for found in broken]
        if self.strict:
            assert all(self._ended(booking) for booking in self.bookings), "a saga never ends"
            assert verdict.status == Status.HOLDS, verdict.as_dict()
            for service in SERVICES:
                letters = apps.get_model(service, "DeadLetter").objects.values_list("type", "attempts")
                assert not list(letters)

    # How it is done

    def _book(self, seats: list[str], customer: int, method: str) -> None:
        booking = self.house.book(*seats, customer=customer, method=method)
        self.bookings.append(booking)
        self.timeline.record("request", "booking", f"book {', '.join(seats)}", [str(booking.id)], method=method)
        self._collect()

    def _deliver(self, batch: list[Envelope]) -> None:
        for one in batch:
            more = {"step": one.get("sagastep"), "status": one["data"].get("status"), "why": one["data"].get("reason")}
            self.timeline.record(
                "delivered", batch[0]["destination"], one["type"], [one.get("correlationid", "")], **more
            )
        self.house.deliver_batch(batch)
        self._collect()

    def _overdue(self, booking: Booking) -> None:
        if Saga.objects.filter(booking=booking).exists():
            self._deliver_unsent("overdue", self.house.saga_overdue(booking))

    def _start_again(self, booking: Booking) -> None:
        """As the watchdog does when BookTickets or CancelRequested seems lost."""
        outbox = apps.get_model("booking", "Outbox")
        booking.refresh_from_db()
        wanted = "BookTickets" if booking.state == "PENDING" else "CancelRequested"
        row = outbox.objects.filter(type=wanted, correlation_id=str(booking.id)).order_by("-seq")[0]
        self._deliver([envelopes.from_row("booking", vars(row))])

    def _ended(self, booking: Booking) -> bool:
        booking.refresh_from_db()
        wishes = booking.state == "CONFIRMED" and booking.cancel_requested_at is not None
        return (
            booking.state in ("CONFIRMED", "CANCELLED")
            and not wishes
            and not Saga.objects.filter(booking=booking).exclude(state__in=OVER).exists()
        )

    def _project(self, batch: list[Envelope]) -> None:
        if batch:
            events = ", ".join(f"{one['type']} v{one['version']}" for one in batch)
            bookings = dict.fromkeys(one.get("correlationid", "") for one in batch)
            self.timeline.record("projected", "projections", events, bookings, causes=[one["id"] for one in batch])
        for view in VIEWS.values():
            mine = [one for one in batch if one["source"].strip("/") in view.sources]
            with transaction.atomic(using="projections"):
                view.write(PROJECTIONS, mine, check=self.check_sequence)
        seen = {one["id"] for one in batch}
        self.unseen = [one for one in self.unseen if one["id"] not in seen]

    def _collect(self) -> None:
        """Read every outbox from where we stand, as relays do."""
        for service in SERVICES:
            outbox = apps.get_model(service, "Outbox")
            for row in outbox.objects.filter(seq__gt=self._read[service]).order_by("seq"):
                self._read[service] = row.seq
                envelope = envelopes.from_row(service, vars(row))
                if row.kind == "event":
                    self.events.append(envelope)
                    self.unseen.append(envelope)
                else:
                    self.pending.append(envelope)

    def _tell_of(self, kind: str, where: str, message: Envelope, **ids: list[str]) -> None:
        self.timeline.record(kind, where, message["type"], [message.get("correlationid", "")], **ids)

    def _deliver_unsent(self, kind: str, message: Envelope) -> None:
        """A message out of no outbox."""
        self._tell_of(kind, message["destination"], message, emits=[message["id"]])
        self.house.deliver(message)
        self._collect()

    def _any(self, data: st.DataObject) -> Booking:
        return self.bookings[data.draw(st.integers(0, len(self.bookings) - 1))]
