"""One call of the engine under way: the state and the actions so far, and the few ways to change them."""

from booking.saga.definition import SagaDefinition, Step
from booking.saga.events import Absorb, Action, MoveBooking, Note, Send, Wait
from booking.saga.state import NOTHING, Attempt, Known, SagaState, Status, Track


class Turn:
    """A saga's state, mutable only while `advance` runs; its arguments and results are values."""

    def __init__(self, definition: SagaDefinition, state: SagaState, at: str) -> None:
        self.definition, self.at = definition, at
        self.id, self.status, self.position, self.action = state.id, state.status, state.position, state.action
        self.reason, self.context, self.tracks = state.reason, state.context, dict(state.tracks)
        self.actions: list[Action] = []

    def state(self) -> SagaState:
        return SagaState(self.id, self.status, self.position, self.action, self.reason, self.context, self.tracks)

    @property
    def step(self) -> Step:
        return self.definition.steps[self.position]

    @property
    def track(self) -> Track:
        """The track of the action the saga waits for."""
        return self.track_of(self.step.name, self.action)

    def track_of(self, step: str, action: str) -> Track:
        return self.tracks.get((step, action), NOTHING)

    @property
    def ended(self) -> bool:
        return self.status in (Status.COMPLETED, Status.COMPENSATED)

    def send(self, position: int, action: str) -> None:
        """Send the action's command, once more or for the first time, and set the timer for its answer."""
        step = self.definition.steps[position]
        policy = self.definition.policy(step, action)
        track = self.track_of(step.name, action)
        attempts = (*track.attempts, Attempt(self.at))
        self.position, self.action = position, action
        self.put(step.name, action, Track(Known.SENT, attempts, track.limit or policy.attempts, track.note))
        command, data = step.build(action, self.context)
        schema = step.command(action).schema_version
        self.actions.append(Send(step.service, command, step.name, action, data, schema))
        self.actions.append(Wait(policy.wait_for_answer(self.id, step.name, len(attempts))))

    def put(self, step: str, action: str, track: Track) -> None:
        self.tracks[step, action] = track

    def know(self, action: str, known: Known | None = None, error: str = "", note: str = "") -> None:
        """Record what is known of an action of the current step, and what went wrong with its last attempt."""
        track = self.track_of(self.step.name, action)
        last = track.attempts[-1]
        attempts = (*track.attempts[:-1], Attempt(last.sent_at, error)) if error else track.attempts
        self.put(self.step.name, action, Track(known or track.known, attempts, track.limit, note or track.note))

    def move_booking(self, state: str, reason: str = "") -> None:
        self.actions.append(MoveBooking(state, reason))

    def wait(self, seconds: float) -> None:
        self.actions.append(Wait(seconds))

    def note(self, what: str, error: str = "") -> None:
        self.actions.append(Note(what, self.step.name, self.action, len(self.track.attempts), error))

    def absorb(self, why: str) -> None:
        self.actions.append(Absorb(why))
