"""The saga engine: a pure function from (definition, state, event) to (state, actions).

No clock, no random numbers, no database: the same events give the same saga, so it is tested as a protocol and can be
replayed. Its rule is *unknown is not failed*: a command without an answer may have been carried out. A compensatable
step that is abandoned is therefore undone too, and a pivot that is abandoned is fenced, never assumed to have failed.
"""

from dataclasses import replace

from booking.saga import events
from booking.saga.definition import Kind, SagaDefinition
from booking.saga.state import FENCED, STATUS_OF, Known, SagaState, Status
from booking.saga.turn import Turn
from messaging.envelope import COMPENSATION, FENCE, FORWARD

NO_ANSWER, REFUSED = "no_answer", "refused"
COMPENSATING, STUCK = "COMPENSATING", "STUCK"  # states of the booking, whichever its saga
MOVED_ON = "the saga has moved on since"


def advance(definition: SagaDefinition, state: SagaState, event: events.Event) -> tuple[SagaState, list[events.Action]]:
    """Return the saga's state after `event`, and the actions to take. An event that no longer matters gives Absorb."""
    rules = _Rules(definition, state, event.at)
    match event:
        case events.Started():
            rules.started()
        case events.Replied():
            rules.replied(event)
        case events.Overdue():
            rules.overdue(event)
        case events.Interrupted():
            rules.interrupted(event.reason)
        case events.Decided() if rules.has_moved_on(event):
            rules.absorb(MOVED_ON)
        case events.RetriedByHand():
            rules.retried_by_hand(event.why)
        case events.ResentByHand():
            rules.resent_by_hand(event.why)
        case events.SkippedByHand():
            rules.skipped_by_hand(event.reason)
    return rules.state(), rules.actions


class _Rules(Turn):
    """First the events, then the transitions."""

    def started(self) -> None:
        if self.tracks:
            return self.absorb("the saga has been started before")
        self.note("started")
        return self.go_forward(0)

    def replied(self, reply: events.Replied) -> None:
        # The answer to a fence is the forward action's own, since that was the question.
        awaited = FORWARD if self.action == FENCE else self.action
        if self.ended or (reply.step, reply.action) != (self.step.name, awaited):
            return self.absorb("late: the saga does not wait for this answer any more")
        if reply.status == Known.SUCCEEDED:
            return self._succeeded(reply)
        if reply.action == COMPENSATION or self.step.kind == Kind.RETRIABLE:
            return self._failed(reply.reason or REFUSED)
        return self._refused(reply.reason or REFUSED)

    def _succeeded(self, reply: events.Replied) -> None:
        self.note("succeeded")
        self._fence_answered()
        self.know(reply.action, Known.SUCCEEDED)
        if reply.action == COMPENSATION:
            return self.undo_from(self.position - 1)
        kept = {name: reply.result[name] for name in self.step.keeps}
        self.context = {**self.context, **kept}
        self.reason = ""
        return self.go_forward(self.position + 1)

    def _refused(self, reason: str) -> None:
        """A step that may refuse did so: it has no effect, but the steps before it have."""
        self.note("refused", error=reason)
        self._fence_answered()
        self.know(FORWARD, Known.REFUSED, reason)
        # "fenced" only means that asking has settled it; the reason for asking is the reason to turn back.
        return self.turn_back(self.reason if reason == FENCED and self.reason else reason)

    def _failed(self, reason: str) -> None:
        """An action that must succeed was refused: wait for a while, then try again."""
        attempt = len(self.track.attempts)
        if self.status == Status.STUCK or self.track.attempts[-1].error:
            return self.absorb("a refusal that is known already")
        self.know(self.action, error=reason)
        self.note("refused", error=reason)
        if attempt >= self.track.limit:
            return self.get_stuck()
        policy = self.definition.policy(self.step, self.action)
        return self.wait(policy.wait_to_retry(self.id, self.step.name, attempt))

    def overdue(self, event: events.Overdue) -> None:
        attempt = len(self.track.attempts)
        if self.status == Status.STUCK or self.has_moved_on(event):
            return self.absorb(f"not overdue: {MOVED_ON}")
        if self.track.attempts[-1].error:
            self.note("tried again", error=self.track.attempts[-1].error)  # it was refused; its backoff is over
        else:
            self.know(self.action, error=NO_ANSWER)
            self.note("overdue", error=NO_ANSWER)
        if attempt < self.track.limit:
            return self.send(self.position, self.action)
        if self.action != FORWARD or self.step.kind == Kind.RETRIABLE:
            return self.get_stuck()
        return self.decide_unknown(NO_ANSWER)

    def has_moved_on(self, seen: events.Overdue | events.Decided) -> bool:
        """Whether the saga no longer waits for the attempt that the person saw."""
        awaited = (self.step.name, self.action, len(self.track.attempts))
        return self.ended or (seen.step, seen.action, seen.attempt) != awaited

    def interrupted(self, reason: str) -> None:
        turnable = self.definition.interruptible and self.step.kind != Kind.RETRIABLE
        if self.status != Status.RUNNING or not turnable:
            return self.absorb(f"{reason}: too late to change the saga's way")
        self.note("interrupted", error=reason)
        return self.decide_unknown(reason)

    def resent_by_hand(self, why: str) -> None:
        """Send the current command once more, now; it does not count as one of the saga's own attempts."""
        if self.ended or self.status == Status.STUCK:
            return self.absorb("only a saga that waits for an answer has a command to send again")
        self.note("resent by hand", error=why)
        if not self.track.attempts[-1].error:
            self.know(self.action, error=NO_ANSWER)
        self.put(self.step.name, self.action, replace(self.track, limit=self.track.limit + 1))
        return self.send(self.position, self.action)

    def retried_by_hand(self, why: str) -> None:
        if self.status != Status.STUCK:
            return self.absorb("only a stuck saga is retried by hand")
        self.note("retried by hand", error=why)
        turning_back = self.action == COMPENSATION
        more = self.definition.policy(self.step, self.action).attempts
        track = replace(self.track, limit=len(self.track.attempts) + more)
        self.put(self.step.name, self.action, track)
        self.status = STATUS_OF[self.action]
        self.move_booking(COMPENSATING if turning_back else self.step.during, self.reason)
        return self.send(self.position, self.action)

    def skipped_by_hand(self, reason: str) -> None:
        if self.status != Status.STUCK:
            return self.absorb("only a stuck saga's step can be skipped")
        if self.action == FENCE:
            return self.absorb("a fence cannot be skipped: the outcome of the pivot would stay unknown")
        self.note("skipped by hand", error=reason)
        self.know(self.action, Known.SKIPPED, note=reason)
        if self.action == COMPENSATION:
            return self.undo_from(self.position - 1)
        self.reason = ""
        return self.go_forward(self.position + 1)

    # Transitions

    def go_forward(self, position: int) -> None:
        if position == len(self.definition.steps):
            return self.end(Status.COMPLETED, self.definition.completed, self.definition.completed_reason)
        self.status = Status.RUNNING
        self.move_booking(self.definition.steps[position].during)
        return self.send(position, FORWARD)

    def decide_unknown(self, reason: str) -> None:
        """Stop waiting for the current step, which may have happened: undo it, or ask about it if it is the pivot."""
        if self.step.kind == Kind.PIVOT:
            self.status, self.reason = Status.FENCING, reason
            return self.send(self.position, FENCE)
        return self.turn_back(reason)

    def turn_back(self, reason: str) -> None:
        self.reason = reason
        self.undo_from(self.position)

    def undo_from(self, position: int) -> None:
        """Compensate, in reverse, each step that was sent and is not known to be refused; one after another."""
        while position >= 0:
            step = self.definition.steps[position]
            may_have_happened = self.track_of(step.name, FORWARD).known in (Known.SENT, Known.SUCCEEDED)
            if step.compensation is not None and may_have_happened:
                break
            position -= 1
        else:
            return self.end(Status.COMPENSATED, self.definition.compensated, self.reason)
        if self.status != Status.COMPENSATING:
            self.status = Status.COMPENSATING
            self.move_booking(COMPENSATING, self.reason)
        return self.send(position, COMPENSATION)

    def get_stuck(self) -> None:
        command = self.step.command(self.action).type()
        why = f"{command}: {self.track.attempts[-1].error} after {len(self.track.attempts)} attempts"
        self.note("stuck", error=why)
        self.status, self.reason = Status.STUCK, self.reason or why
        self.move_booking(STUCK, self.reason)

    def end(self, status: Status, booking: str, reason: str) -> None:
        self.status = status
        self.note(status.lower())
        self.move_booking(booking, reason)

    def _fence_answered(self) -> None:
        if self.action == FENCE:
            self.know(FENCE, Known.SUCCEEDED)
