"""The drawing of a waterfall: pure."""

from itertools import pairwise

import pytest

from lab.waterfall import READABLE, WIDTH, Span, draw


def spans(count: int) -> list[Span]:
    return [Span("seats", f"/api/seats/holds/{number:036}", number * 10.0, 8.0, 200) for number in range(count)]


def test_each_call_is_a_bar_where_it_began_and_as_long_as_it_took() -> None:
    drawn = draw([Span("tickets", "/api/tickets", 30, 10, 200), Span("booking", "/api/bookings", 0, 20, 200)])
    first, second = drawn.bars
    assert (first.span.service, second.span.service) == ("booking", "tickets"), "by the time at which they began"
    assert first.width == pytest.approx(2 * second.width, abs=0.2)
    assert second.x - first.x == pytest.approx(1.5 * first.width, abs=0.2)
    assert drawn.took_ms == 40
    assert second.x + second.width < WIDTH


def test_calls_one_after_another_are_stairs_and_calls_at_once_begin_together() -> None:
    stairs = draw(spans(10)).bars
    assert all(later.x > earlier.x for earlier, later in pairwise(stairs))
    together = draw([Span("seats", str(number), 0, 10, 200) for number in range(10)]).bars
    assert len({bar.x for bar in together}) == 1


@pytest.mark.parametrize(("count", "named"), [(0, True), (1, True), (41, True), (READABLE + 1, False), (201, False)])
def test_many_bars_have_no_names_and_fit(count: int, named: bool) -> None:
    drawn = draw(spans(count))
    assert (drawn.calls, drawn.named) == (count, named)
    assert drawn.height < 1100
    assert all(bar.y + bar.height <= drawn.height for bar in drawn.bars)
    assert 1 <= len(drawn.ticks) <= 6


def test_two_can_share_an_axis() -> None:
    short, long = draw(spans(1), 100), draw(spans(10), 100)
    assert short.bars[0].width == long.bars[0].width
    assert short.ticks == long.ticks


def test_a_bar_says_what_came_of_it() -> None:
    good, refused, silent = draw(
        [
            Span("booking", "/api/customers/1", 0, 1, 200),
            Span("payments", "/x", 1, 12, 503),
            Span("seats", "/y", 2, 1, 0),
        ]
    ).bars
    assert (good.said, refused.said, silent.said) == ("1", "503 · 12", "no answer · 1")
    assert refused.title == "payments: /x, 503, 12.0 ms"
    assert (good.name, refused.name) == ("booking customers/1", "payments /x")
    assert draw(spans(1)).bars[0].name == "seats/holds/…0000"
