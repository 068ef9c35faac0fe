"""The whole protocol as one model needs its barrier: without it hypothesis finds the anomaly, and tells it as a timeline."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from booking.saga.events import Replied, Send
from journal.archive.importing import import_run
from journal.models import Entry, Run
from journal.reading import moments
from tests.booking.saga.protocol import BOOKING
from tests.booking.saga.test_engine_random import REFUSALS, Participants
from tests.proofs.models.kept import COUNTER_EXAMPLES
from tests.proofs.models.told_engine import Told


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


def play(participants: type[Participants], examples: int, tapes: Path = COUNTER_EXAMPLES) -> str:
    """What hypothesis tells of the failure it finds, "" when it finds none."""
    machine = type("Play", (Told,), {"participants": participants, "tapes": tapes})
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
@pytest.mark.django_db(databases=["journal"], transaction=True)
def test_without_it_the_anomaly_is_found_shrunk_and_told(participants: type[Participants], tmp_path: Path) -> None:
    told = play(participants, 300, tmp_path).split("timeline:")
    assert len(told) == 2, told
    lines = [line for line in told[1].splitlines() if line.startswith("#")]
    assert 2 < len(lines) < 20, told[1]  # shrunk: the shortest way there
    (file,) = tmp_path.iterdir()
    assert f"manage.py runs import {file}" in told[1]
    run = Run.objects.get(id=import_run([file.read_bytes()]))
    assert (run.ended_pos, "which has no databases" in run.name) == (len(lines), True)
    end = moments.state_at(len(lines), run.tape)
    assert f"state={end['booking']['booking_booking'][BOOKING]['state']}" in told[1].rpartition(" saga ")[2]
    entries = Entry.objects.filter(tape=run.tape)
    assert {one.kind for one in entries} == {"observation"}
    assert all(one.cause_known for one in entries)
    assert any(one.cause_pos for one in entries)
