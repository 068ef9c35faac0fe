"""How much comes, by a clock of the test's own."""

import pytest

from messaging.process import pacing as rate_module
from messaging.process.pacing import LATER, ONE_AFTER_ANOTHER, QUIET, Rate


def test_what_came_fades(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: now)
    rate = Rate(over_s=LATER)
    assert rate.a_second() == 0
    rate.count(10)
    assert rate.a_second() == 10
    now += 1
    assert 3 < rate.a_second() < 4  # 10 / e
    now += 10
    assert rate.a_second() < 0.001


def test_a_steady_rate_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: now)
    rate = Rate()
    for _ in range(200):  # 40 a second for five seconds
        now += 0.025
        rate.count(1)
    assert 38 < rate.a_second() < 42


def test_a_stream_that_begins_is_one_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty bookings a second make some 350 messages. The control counts over a second: it takes three times as long to see."""
    now = 100.0
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: now)
    soon, later = Rate(ONE_AFTER_ANOTHER), Rate(ONE_AFTER_ANOTHER, over_s=LATER)
    seen: dict[Rate, float] = {}
    while len(seen) < 2:
        now += 1 / 350
        for rate in (soon, later):
            rate.count(1)
            if rate.round_s(0.4):
                seen.setdefault(rate, now - 100)
    assert seen[soon] < 0.12
    assert seen[later] > 0.3


def test_bookings_one_after_another_find_a_free_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten a second, whose seven messages come within 20 ms."""
    now = 100.0
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: now)
    rate = Rate(ONE_AFTER_ANOTHER)
    for _ in range(50):
        now += 0.1 - 0.02
        for _ in range(7):
            now += 0.02 / 7
            rate.count(1)
            assert rate.round_s(0.4) == 0


@pytest.mark.parametrize(("a_second", "round_s"), [(QUIET, 0.0), (50, 0.1), (150, 0.3), (250, 0.4), (1000, 0.2)])
def test_rounds_grow_with_the_rate_until_they_hold_enough(
    monkeypatch: pytest.MonkeyPatch, a_second: int, round_s: float
) -> None:
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: 100.0)
    rate = Rate(over_s=LATER)
    rate.count(a_second)
    assert rate.round_s(0.4) == pytest.approx(round_s)


def test_who_may_be_busier_than_others_before_anything_waits_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_module.time, "monotonic", lambda: 100.0)
    usual, rate = Rate(over_s=LATER), Rate(quiet=ONE_AFTER_ANOTHER, over_s=LATER)
    for one in (usual, rate):
        one.count(ONE_AFTER_ANOTHER)
    assert (usual.round_s(0.4), rate.round_s(0.4)) == (pytest.approx(0.2), 0.0)
    rate.count(20)
    assert rate.round_s(0.4) == pytest.approx(0.24)
