"""The lag of a view in the last minute, as a line: rising while it stands still, dashed while it has nothing to apply."""

import re

from dashboard.lag_history import LagHistory
from drawing.lag_line import HEIGHT, WIDTH, lag_line


def points(path: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in re.findall(r"[ML](\d+) (\d+)", path)]


def test_nothing_to_apply_is_a_dashed_line_at_the_bottom() -> None:
    line = lag_line([(60, None), (30, None), (0, None)])
    assert (line.line, line.most_ms) == ("", None)
    assert points(line.idle) == [(0, HEIGHT - 1), (60, HEIGHT - 1), (60, HEIGHT - 1), (WIDTH, HEIGHT - 1)]


def test_a_view_that_stands_still_rises_to_the_right() -> None:
    line = lag_line([(9, None), (6, 2_000), (3, 5_000), (0, 8_000)])
    heights = [y for _, y in points(line.line)]
    assert heights == sorted(heights, reverse=True)
    assert (points(line.line)[-1], line.most_ms) == ((WIDTH, 1), 8_000)


def test_a_few_milliseconds_are_no_mountain_and_what_is_older_than_a_minute_is_left_out() -> None:
    line = lag_line([(70, 90_000), (20, 10), (10, None)])
    assert line.most_ms == 10
    assert min(y for _, y in points(line.line)) > HEIGHT - 5


def test_a_lag_is_that_of_what_was_applied_since_the_last_sample() -> None:
    history = LagHistory()
    seen = {"view": "seat_map", "lag_ms": 80, "applied": 5}
    history.note([seen], now=0)  # how much was applied before is not known
    history.note([{**seen, "applied": 6}], now=10)
    history.note([{**seen, "applied": 6}], now=20)  # its lag is that of an old event
    history.note([{**seen, "applied": 6, "lag_ms": 4_000, "since": "then"}], now=30)
    line = history.line("seat_map", now=40)
    assert line.most_ms == 4_000
    assert history.line("seat_map", now=65).most_ms == 4_000
    assert history.line("seat_map", now=95).most_ms is None
    before = LagHistory()
    before.note([seen], now=0)
    before.note([{**seen, "applied": 6}], now=10)
    assert before.line("seat_map", now=12).most_ms == 80
    assert before.line("sales", now=12) == lag_line([(12, None), (2, None)])
