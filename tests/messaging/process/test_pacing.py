"""How much comes, by a clock of the test's own."""

import pytest

from messaging.process import pacing as rate_module
from messaging.process.pacing import LATER, ONE_AFTER_ANOTHER, QUIET, Pacer


def test_what_came_fades(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: now)
    pacer = Pacer(0.4, over_s=LATER)
    assert pacer.a_second() == 0
    pacer.count(10)
    assert pacer.a_second() == 10
    now += 1
    assert 3 < pacer.a_second() < 4  # 10 / e
    now += 10
    assert pacer.a_second() < 0.001


def test_a_steady_rate_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: now)
    pacer = Pacer(0.4)
    for _ in range(200):  # 40 a second for five seconds
        now += 0.025
        pacer.count(1)
    assert 38 < pacer.a_second() < 42


def test_a_stream_that_begins_is_one_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty bookings a second make some 350 messages. The control counts over a second: it takes three times as long to see."""
    now = 100.0
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: now)
    soon, later = Pacer(0.4, quiet=ONE_AFTER_ANOTHER), Pacer(0.4, quiet=ONE_AFTER_ANOTHER, over_s=LATER)
    seen: dict[Pacer, float] = {}
    while len(seen) < 2:
        now += 1 / 350
        for pacer in (soon, later):
            pacer.count(1)
            if pacer.round_s():
                seen.setdefault(pacer, now - 100)
    assert seen[soon] < 0.12
    assert seen[later] > 0.3


def test_bookings_one_after_another_find_a_free_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten a second, whose seven messages come within 20 ms."""
    now = 100.0
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: now)
    pacer = Pacer(0.4, quiet=ONE_AFTER_ANOTHER)
    for _ in range(50):
        now += 0.1 - 0.02
        for _ in range(7):
            now += 0.02 / 7
            pacer.count(1)
            assert pacer.round_s() == 0


@pytest.mark.parametrize(("a_second", "round_s"), [(QUIET, 0.0), (50, 0.1), (150, 0.3), (250, 0.4), (1000, 0.2)])
def test_rounds_grow_with_the_rate_until_they_hold_enough(
    monkeypatch: pytest.MonkeyPatch, a_second: int, round_s: float
) -> None:
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: 100.0)
    pacer = Pacer(0.4, over_s=LATER)
    pacer.count(a_second)
    assert pacer.round_s() == pytest.approx(round_s)


def test_who_may_be_busier_than_others_before_anything_waits_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: 100.0)
    usual, pacer = Pacer(0.4, over_s=LATER), Pacer(0.4, quiet=ONE_AFTER_ANOTHER, over_s=LATER)
    for one in (usual, pacer):
        one.count(ONE_AFTER_ANOTHER)
    assert (usual.round_s(), pacer.round_s()) == (pytest.approx(0.2), 0.0)
    pacer.count(20)
    assert pacer.round_s() == pytest.approx(0.24)


def test_a_round_is_due_that_long_after_the_last_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: 100.0)
    pacer = Pacer(0.4, over_s=LATER)
    assert pacer.due_at(99.9) == 99.9
    pacer.count(50)
    assert pacer.due_at(99.9) == pytest.approx(100.0)
    pacer.count(1000)
    assert pacer.due_at(float("-inf")) == float("-inf"), "there was no last round"
