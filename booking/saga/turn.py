"""One call of the engine in the making: the saga's state so far and the actions so far, and the few ways to change them."""

from dataclasses import replace

from booking.saga.definition import SagaDefinition, Step
from booking.saga.events import Absorb, Action, MoveBooking, Note, Send, Wait
from booking.saga.state import Attempt, Known, SagaState, Status, Track


class Turn:
    """Mutable only while `advance` runs; what goes in and what comes out are values."""

    def __init__(self, definition: SagaDefinition, state: SagaState, at: str) -> None:
        self.definition, self.state, self.at = definition, state, at
        self.actions: list[Action] = []

    @property
    def step(self) -> Step:
        return self.definition.steps[self.state.position]

    @property
    def track(self) -> Track:
        """The track of the action the saga waits for."""
        return self.state.track(self.step.name, self.state.action)

    @property
    def ended(self) -> bool:
        return self.state.status in (Status.COMPLETED, Status.COMPENSATED)

    def send(self, position: int, action: str) -> None:
        """Send the action's command, once more or for the first time, and set the timer for its answer."""
        step = self.definition.steps[position]
        policy = self.definition.policy(step, action)
        track = self.state.track(step.name, action)
        attempts = (*track.attempts, Attempt(self.at))
        self.state = replace(self.state, position=position, action=action)
        self.put(step.name, action, Track(Known.SENT, attempts, track.limit or policy.attempts, track.note))
        command, data = step.build(action, self.state.context)
        self.actions.append(Send(step.service, command, step.name, action, data))
        self.actions.append(Wait(policy.wait_for_answer(self.state.id, step.name, len(attempts))))

    def put(self, step: str, action: str, track: Track) -> None:
        self.state = replace(self.state, tracks={**self.state.tracks, (step, action): track})

    def know(self, action: str, known: Known | None = None, error: str = "", note: str = "") -> None:
        """Write down what is known of an action of the present step, and what went wrong with its last attempt."""
        track = self.state.track(self.step.name, action)
        last = track.attempts[-1]
        attempts = (*track.attempts[:-1], Attempt(last.sent_at, error)) if error else track.attempts
        self.put(self.step.name, action, Track(known or track.known, attempts, track.limit, note or track.note))

    def move_booking(self, state: str, reason: str = "") -> None:
        self.actions.append(MoveBooking(state, reason))

    def wait(self, seconds: float) -> None:
        self.actions.append(Wait(seconds))

    def note(self, what: str, error: str = "") -> None:
        self.actions.append(Note(what, self.step.name, self.state.action, len(self.track.attempts), error))

    def absorb(self, why: str) -> None:
        self.actions.append(Absorb(why))
