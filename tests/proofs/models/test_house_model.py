"""Any interleaving, duplication, loss and reordering on the real services ends legally; without its guard it does not."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis

from faults import Mechanism
from faults.arming import switch
from tests.house import House
from tests.proofs.models.random_house import ALIASES, RandomHouse

pytestmark = pytest.mark.django_db(databases=[*ALIASES, "journal"], transaction=True)  # the play that is shown commits
EXAMPLES = int(os.environ.get("PROOFS_EXAMPLES", "12"))  # a few in the suite; hundreds by hand


def play(machine: type[RandomHouse], examples: int, *phases: Phase, moves: int = 25) -> None:
    wanted = settings(
        max_examples=examples,
        stateful_step_count=moves,
        phases=phases or (Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=wanted)


def test_any_play_ends_legally(house: House) -> None:
    play(RandomHouse, EXAMPLES)


class Unsequenced(RandomHouse):
    check_sequence = False
    tapes = None


def test_without_the_sequence_check_a_view_breaks(house: House) -> None:
    with pytest.raises(AssertionError, match="views_equal_truth") as found:
        play(Unsequenced, 60, Phase.generate)
    assert "timeline:" in "\n".join(found.value.__notes__)


class Scripted(RandomHouse):
    """One play that the random ones come to sooner or later: a command that was given up turns up in the end."""

    strict = False

    def play(self) -> None:
        self.go_well_at_first(3)  # the booking is PAYING
        (late,) = self.pending
        assert late["type"] == "TakePayment"
        self.strays.append(late)
        self._cancel(self.bookings[0])
        self.pending.remove(late)
        self.teardown()


@pytest.mark.parametrize("off", [False, True], ids=["on", "off"])
def test_a_late_command_acts_without_the_barrier(house: House, redis: Redis, off: bool) -> None:
    """The control of the judge: hypothesis finds this in the model (test_engine_model), here it costs a second an example."""
    if off:
        switch(redis, Mechanism.BARRIER, off=True)
        with pytest.raises(AssertionError, match="paid_iff_ticketed"):
            Scripted().play()
    else:
        Scripted().play()
