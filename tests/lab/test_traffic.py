"""Open-loop traffic: paced by the clock, never by the answers; and bounded."""

import asyncio
import time

import pytest

from lab.traffic import GOOD, TooMuch, run


def test_requests_leave_on_time_however_slow_the_answers_are() -> None:
    left: list[float] = []

    async def slow(number: int) -> str:
        left.append(time.monotonic())
        await asyncio.sleep(0.5)
        return GOOD

    samples = asyncio.run(run(slow, way="slow", per_s=50, seconds=0.4))
    assert len(samples) == 20
    assert left[-1] - left[0] < 0.5, "a closed loop would have taken 10 s"
    assert all(sample.took_ms >= 490 for sample in samples)
    assert [sample.due_s for sample in samples] == sorted(sample.due_s for sample in samples)


def test_the_time_counts_from_when_a_request_was_due() -> None:
    """One that could not leave because the loop was busy has waited, too."""

    async def blocks(number: int) -> str:
        if number == 0:
            time.sleep(0.3)
        return GOOD

    samples = asyncio.run(run(blocks, way="blocked", per_s=50, seconds=0.2))
    assert samples[1].took_ms > 200


def test_what_fails_is_a_sample_too() -> None:
    async def fails(number: int) -> str:
        if number % 2:
            raise ConnectionError
        return "503"

    samples = asyncio.run(run(fails, way="bad", per_s=50, seconds=0.08))
    assert [sample.outcome for sample in samples] == ["503", "ConnectionError", "503", "ConnectionError"]
    assert not any(sample.is_good for sample in samples)


@pytest.mark.parametrize(("per_s", "seconds"), [(51, 1), (0, 1), (-1, 1), (10, 61), (10, 0), (float("nan"), 1)])
def test_it_is_bounded(per_s: float, seconds: float) -> None:
    async def never(number: int) -> str:
        raise AssertionError

    with pytest.raises(TooMuch, match="at most"):
        asyncio.run(run(never, way="x", per_s=per_s, seconds=seconds))
