"""The whole protocol as one model needs its barrier: without it hypothesis finds the anomaly, and tells it as a timeline."""

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis.stateful import run_state_machine_as_test

from booking.saga.events import Event, Replied, Send
from proofs.timeline import Timeline
from tests.booking.protocol import BOOKING
from tests.booking.test_engine_random import REFUSALS, AnyOrder, Participants


class Unguarded(Participants):
    """Each delivery acts, and nothing is remembered: what a participant without a barrier does."""

    def take(self, send: Send, refuse: bool) -> Replied:
        if send.action == "fence":
            return self._reply(send, "forward", ("refused", "fenced"))
        if send.action == "forward" and refuse and send.step in REFUSALS:
            return self._reply(send, "forward", ("refused", REFUSALS[send.step]))
        if send.action == "forward" or send.step in self.effects:  # it undoes what it finds
            self.effects.append(send.type)
        return self._reply(send, send.action, ("succeeded", ""))


class Forgetful(Participants):
    """Has a barrier, but a compensation (or fence) that overtakes its action leaves nothing behind."""

    def take(self, send: Send, refuse: bool) -> Replied:
        answer = super().take(send, refuse)
        if self.answers.get((send.step, "forward")) == ("refused", "fenced"):
            del self.answers[send.step, "forward"]
        return answer


class Told(AnyOrder):
    """The same play with these participants, written down."""

    participants: type[Participants] = Participants

    def __init__(self) -> None:
        self.timeline = Timeline()
        super().__init__()
        self.world = self.participants()
        take = self.world.take

        def told(send: Send, refuse: bool) -> Replied:
            answer = take(send, refuse)
            self.timeline.tell("handled", send.service, send.type, [BOOKING], answer=answer.status, why=answer.reason)
            return answer

        self.world.take = told  # type: ignore[method-assign]

    def tell(self, event: Event) -> None:
        before = len(self.commands)
        super().tell(event)
        detail = {name: getattr(event, name) for name in ("step", "action", "status", "reason") if hasattr(event, name)}
        sent = ", ".join(send.type for send in self.commands[before:])
        self.timeline.tell("saga", "booking", type(event).__name__, [BOOKING], **detail, sends=sent, state=self.booking)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            note(f"timeline:\n{self.timeline.text()}")


def play(participants: type[Participants], examples: int) -> str:
    """What hypothesis tells of the failure it finds, "" when it finds none."""
    machine = type("Play", (Told,), {"participants": participants})
    play = settings(
        max_examples=examples,
        stateful_step_count=20,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=play)
    except AssertionError as error:
        return "\n".join([str(error), *getattr(error, "__notes__", [])])
    return ""


def test_with_the_barrier_there_is_nothing_to_find() -> None:
    assert play(Participants, 50) == ""


@pytest.mark.parametrize("participants", [Unguarded, Forgetful])
def test_without_it_the_anomaly_is_found_shrunk_and_told(participants: type[Participants]) -> None:
    told = play(participants, 300).split("timeline:")
    assert len(told) == 2, told
    lines = [line for line in told[1].splitlines() if line.startswith("#")]
    assert 2 < len(lines) < 20, told[1]  # shrunk: the shortest way there
