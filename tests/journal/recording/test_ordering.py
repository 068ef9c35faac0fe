"""Whatever the order in which the logs are read, causes come before effects and each log keeps its order."""

from hypothesis import given
from hypothesis import strategies as st

from journal.recording.ordering import LONGEST, PATIENCE, Ordering, Placed
from tests.journal.builders import candidate

SOURCES = ["booking", "seats", "payments", "tickets", "projections"]


def messages(placed: list[Placed]) -> list[str]:
    return [emitted for one in placed for emitted in one.candidate.emits]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list, list]:
    """(history in true order, the order it is read in). Each transaction may name messages of earlier ones as causes."""
    history = []
    for number in range(draw(st.integers(1, 30))):
        causes = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        # Clocks of different databases differ by up to a second, so commit times are misleading on purpose.
        at = number * 0.01 + draw(st.floats(-1, 1))
        source = draw(st.sampled_from(SOURCES))
        history.append(candidate(source, [str(number)], [str(cause) for cause in causes], at))
    logs = {source: [one for one in history if one.source == source] for source in SOURCES}
    read = []
    while any(logs.values()):
        source = draw(st.sampled_from([source for source, log in logs.items() if log]))
        read.append(logs[source].pop(0))
    return history, read


@given(histories(), st.data())
def test_causes_come_before_effects_in_any_interleaving(both: tuple[list, list], data: st.DataObject) -> None:
    history, read = both
    ordering = Ordering()
    placed: list[Placed] = []
    for one in read:
        ordering.add(one, now=0)
        if data.draw(st.booleans()):
            placed += ordering.release(now=0)
    placed += ordering.release(now=0)
    assert [one.pos for one in placed] == list(range(1, len(history) + 1))
    position = {one.candidate.emits[0]: one.pos for one in placed}
    for one in placed:
        assert one.cause_known
        assert one.cause_pos == tuple(sorted(position[cause] for cause in one.candidate.causes))
        assert all(pos < one.pos for pos in one.cause_pos)
    for source in SOURCES:
        in_log = [one for one in history if one.source == source]
        assert [one.candidate for one in placed if one.candidate.source == source] == in_log


@given(histories(), st.sets(st.integers(0, 29)))
def test_with_messages_lost_nothing_waits_for_ever(both: tuple[list, list], lost: set[int]) -> None:
    history, read = both
    ordering = Ordering()
    for one in read:
        if int(one.emits[0]) not in lost:
            ordering.add(one, now=0)
    placed = ordering.release(now=LONGEST)
    kept = [one for one in history if int(one.emits[0]) not in lost]
    assert sorted(messages(placed)) == sorted(one.emits[0] for one in kept)
    for one in placed:
        assert (
            one.cause_known
            or {int(cause) for cause in one.candidate.causes} & lost
            or len(one.cause_pos) < len(one.candidate.causes)
        )


def test_an_effect_waits_a_second_for_its_cause_then_goes_as_unknown() -> None:
    ordering = Ordering()
    ordering.add(candidate("seats", causes=["never"]), now=10)
    assert ordering.release(10 + PATIENCE - 0.01) == []
    (placed,) = ordering.release(10 + PATIENCE)
    assert not placed.cause_known
    assert placed.cause_pos == ()


def test_a_waiting_effect_holds_up_its_own_log_and_no_other() -> None:
    ordering = Ordering()
    ordering.add(candidate("seats", ["effect"], ["cause"]), now=0)
    ordering.add(candidate("seats", ["behind"]), now=0)
    ordering.add(candidate("payments", ["elsewhere"]), now=0)
    assert messages(ordering.release(0)) == ["elsewhere"]
    assert (ordering.waiting("seats"), ordering.waiting("payments"), ordering.waiting()) == (2, 0, 2)
    ordering.add(candidate("booking", ["cause"]), now=0.5)
    assert messages(ordering.release(0.5)) == ["cause", "effect", "behind"]


def test_patience_lasts_while_another_log_is_still_at_an_earlier_time() -> None:
    """After an outage one log may be seconds behind the others; what it still brings is not unknown."""
    ordering = Ordering()
    ordering.add(candidate("seats", ["effect"], ["cause"], at=100), now=0)
    for second in range(3):
        ordering.add(candidate("booking", [str(second)], at=second), now=float(second))
        assert "effect" not in messages(ordering.release(second + 0.9))
    ordering.add(candidate("booking", ["cause"], at=99), now=3)
    assert messages(ordering.release(3)) == ["cause", "effect"]


def test_patience_has_an_end_even_then() -> None:
    ordering = Ordering()
    ordering.add(candidate("seats", ["effect"], ["never"], at=100), now=0)
    ordering.add(candidate("booking", ["b"], at=0), now=LONGEST)
    assert messages(ordering.release(LONGEST)) == ["b", "effect"]


def test_the_latest_emission_of_a_message_is_its_cause() -> None:
    ordering = Ordering(pos=40, emitted=[("reply", 7)])
    ordering.add(candidate("seats", ["reply"]), now=0)
    ordering.add(candidate("booking", ["next"], ["reply"]), now=0)
    placed = ordering.release(0)
    assert [(one.pos, one.cause_pos) for one in placed if one.candidate.source == "booking"] in (
        [(42, (41,))],
        [(41, (7,))],
    )


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    ordering = Ordering(remembered=2)
    for number in range(4):
        ordering.add(candidate("seats", [str(number)]), now=0)
    ordering.release(0)
    ordering.add(candidate("booking", causes=["3"]), now=0)
    ordering.add(candidate("payments", causes=["0"]), now=0)
    assert [one.candidate.source for one in ordering.release(0)] == ["booking"]
    assert [one.cause_known for one in ordering.release(PATIENCE)] == [False]
