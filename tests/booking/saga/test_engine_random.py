"""Whatever the network does, the saga ends legally: hypothesis plays the participants, the network and the watchdog.

The model of the world is independent of the engine: participants with a real barrier (first come decides for ever), whose
replies are delivered in any order, doubled, late or never. The check at the end looks at the participants, not at the saga.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from booking.saga.engine import advance
from booking.saga.events import Event, Interrupted, MoveBooking, Overdue, Replied, RetriedByHand, Send, Started
from booking.saga.state import SagaState, Status
from tests.booking.saga.protocol import AT, CONTEXT, IMPATIENT, PRICE

OVER = (Status.COMPLETED, Status.COMPENSATED)
FORWARDS = ["ReserveSeats", "TakePayment", "IssueTickets", "ConfirmSeats"]
REFUSALS = {"ReserveSeats": "seat_taken", "TakePayment": "card_declined", "IssueTickets": "printer_refused"}


class Participants:
    """All three at once, each with its barrier: (step, action) -> what was answered, for ever."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], tuple[str, str]] = {}
        self.effects: list[str] = []

    def take(self, send: Send, refuse: bool) -> Replied:
        forward = (send.step, "forward")
        if send.action == "fence":
            answer = self.answers.setdefault(forward, ("refused", "fenced"))
            return self._reply(send, "forward", answer)
        if send.action == "compensation":
            before = self.answers.setdefault(forward, ("refused", "fenced"))
            if (send.step, "compensation") not in self.answers and before[0] == "succeeded":
                self.effects.append(send.type)
            return self._reply(
                send, "compensation", self.answers.setdefault((send.step, "compensation"), ("succeeded", ""))
            )
        if forward not in self.answers:
            refused = refuse and send.step in REFUSALS
            self.answers[forward] = ("refused", REFUSALS[send.step]) if refused else ("succeeded", "")
            if not refused:
                self.effects.append(send.type)
        return self._reply(send, "forward", self.answers[forward])

    def _reply(self, send: Send, action: str, answer: tuple[str, str]) -> Replied:
        status, reason = answer
        result = PRICE if send.step == "ReserveSeats" else {}
        return Replied(at=AT, step=send.step, action=action, status=status, reason=reason, result=result)


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = SagaState(id="0198c0de-0000-7000-8000-0000000000aa", context=CONTEXT)
        self.world = Participants()
        self.commands: list[Send] = []
        self.replies: list[Replied] = []
        self.booking = "PENDING"
        self.tell(Started(at=AT))

    @initialize(steps=st.sampled_from([2, 1, 0, 3]))
    def go_well_at_first(self, steps: int) -> None:
        """Random play seldom comes far, and the pivot is where it gets interesting."""
        for _ in range(steps):
            self.tell(self.world.take(self.commands.pop(), refuse=False))

    def tell(self, event: Event) -> None:
        was_over = self.state.status in OVER
        self.state, actions = advance(IMPATIENT, self.state, event)
        sends = [action for action in actions if isinstance(action, Send)]
        assert not (was_over and sends), "a saga that has ended sent something"
        assert len(sends) <= 1, "one step after another"
        self.commands += sends
        for action in actions:
            if isinstance(action, MoveBooking):
                self.booking = action.state

    @precondition(lambda self: self.commands)
    @rule(data=st.data(), refuse=st.sampled_from([False, False, False, True]), again=st.booleans())
    def deliver_command(self, data: st.DataObject, refuse: bool, again: bool) -> None:
        number = data.draw(st.integers(0, len(self.commands) - 1))
        send = self.commands[number] if again else self.commands.pop(number)
        self.replies.append(self.world.take(send, refuse))

    @precondition(lambda self: self.replies)
    @rule(data=st.data(), again=st.booleans())
    def deliver_reply(self, data: st.DataObject, again: bool) -> None:
        number = data.draw(st.integers(0, len(self.replies) - 1))
        self.tell(self.replies[number] if again else self.replies.pop(number))

    @precondition(lambda self: self.commands)
    @rule(data=st.data())
    def lose_command(self, data: st.DataObject) -> None:
        self.commands.pop(data.draw(st.integers(0, len(self.commands) - 1)))

    @precondition(lambda self: self.replies)
    @rule(data=st.data())
    def lose_reply(self, data: st.DataObject) -> None:
        self.replies.pop(data.draw(st.integers(0, len(self.replies) - 1)))

    @rule()
    def time_is_over(self) -> None:
        step, track = self.state.awaited(IMPATIENT)
        self.tell(Overdue(at=AT, step=step.name, action=self.state.action, attempt=len(track.attempts)))

    @rule(
        attempt=st.integers(1, 3), step=st.sampled_from(FORWARDS), action=st.sampled_from(["forward", "compensation"])
    )
    def any_overdue(self, attempt: int, step: str, action: str) -> None:
        self.tell(Overdue(at=AT, step=step, action=action, attempt=attempt))

    @rule(reason=st.sampled_from(["hold_expired", "cancel_requested"]))
    def interrupt(self, reason: str) -> None:
        self.tell(Interrupted(at=AT, reason=reason))

    @invariant()
    def never_paid_back_what_was_ticketed(self) -> None:
        if "IssueTickets" in self.world.effects:
            assert "RefundPayment" not in self.world.effects
            assert "ReleaseSeats" not in self.world.effects

    def teardown(self) -> None:
        """From wherever it is, on a network that has come to its senses, the saga ends; and the world agrees with it."""
        for _ in range(60):
            if self.state.status in OVER:
                break
            if self.state.status == Status.STUCK:
                step, track = self.state.awaited(IMPATIENT)
                attempt = len(track.attempts)
                self.tell(RetriedByHand(at=AT, step=step.name, action=self.state.action, attempt=attempt))
            if self.commands:
                self.tell(self.world.take(self.commands.pop(), refuse=False))
            else:
                self.time_is_over()
        assert self.state.status in OVER
        effects = self.world.effects
        if self.state.status == Status.COMPLETED:
            assert self.booking == "CONFIRMED"
            assert effects == FORWARDS
        else:
            assert self.booking == "CANCELLED"
            assert self.state.reason
            assert "IssueTickets" not in effects
            assert "ConfirmSeats" not in effects
            assert effects.count("TakePayment") == effects.count("RefundPayment")
            # A reservation that is still on its way will be refused: its compensation has taken its key.
            assert effects.count("ReserveSeats") == effects.count("ReleaseSeats")
            for send in self.commands:
                self.world.take(send, refuse=False)
            assert effects.count("ReserveSeats") == effects.count("ReleaseSeats")
            assert "IssueTickets" not in effects


AnyOrder.TestCase.settings = settings(
    max_examples=500, stateful_step_count=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
TestAnyOrder = AnyOrder.TestCase
