"""Figures: percentiles, and what is kept in Redis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from lab import figures
from lab.comparison import age, tables
from lab.exhibits import COMPOSITION, Column
from lab.figures import KEY, Figure, keep, latest, percentile

FIGURE = Figure(
    "composition", "batch", "p50_10", 12.34, "ms", 12, "2026-11-29T12:00:00+00:00", ("down at api payments",), 3.1
)


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [([7], 50, 7), ([1, 2, 3, 4], 50, 2), ([4, 1, 3, 2], 95, 4), (list(range(1, 101)), 95, 95), ([1, 2], 0, 1)],
)
def test_a_percentile_is_one_of_the_values(values: list[float], percent: float, found: float) -> None:
    assert percentile(values, percent) == found


def test_of_nothing_there_is_none() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_the_newest_of_each_is_kept_with_what_was_armed(redis: Redis) -> None:
    other = Figure("elsewhere", "batch", "p50_10", 1.0, "ms", 1, figures.now())
    keep(redis, FIGURE, other)
    assert latest(redis, "composition") == {"composition/batch/p50_10": FIGURE}
    newer = Figure(**{**figures.as_dict(FIGURE), "value": 9.0, "faults": ()})
    keep(redis, newer)
    assert latest(redis)["composition/batch/p50_10"] == newer
    assert len(latest(redis)) == 2


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"exhibit": "composition"}', '{"faults": 7}'])
def test_what_cannot_be_read_counts_as_not_measured(redis: Redis, text: str) -> None:
    keep(redis, FIGURE)
    redis.hset(KEY, "composition/batch/calls_10", text)
    assert list(latest(redis)) == ["composition/batch/p50_10"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(41, "", "41"), (12.34, "ms", "12.3 ms"), (1996.4, "ms", "1,996 ms"), (0.25, "ms", "0.2 ms"), (5.0, "ms", "5 ms")],
)
def test_a_figure_as_pages_show_it(value: float, unit: str, text: str) -> None:
    assert Figure("a", "b", "c", value, unit, 1, figures.now()).text == text


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "just now"), (60, "1 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")]
)
def test_an_age_in_words(seconds: float, words: str) -> None:
    assert age(seconds) == words
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    assert Figure("a", "b", "c", 1, "", 1, at.isoformat()).age_s() == pytest.approx(seconds, abs=1)


def test_the_comparison_has_a_row_a_way_and_says_what_was_not_measured() -> None:
    (table,) = tables({FIGURE.key: FIGURE}, [COMPOSITION])
    assert [row.way.name for row in table.rows] == ["sequential", "parallel", "batch"]
    measured = {
        (row.way.name, column.name)
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell.figure
    }
    assert measured == {("batch", "p50_10")}
    (cell,) = [cell for row in table.rows for cell in row.cells if cell.figure]
    assert cell.title == "12 measured, 2026-11-29T12:00:00+00:00, load 3.1; under down at api payments"


def test_a_figure_that_an_exhibit_does_not_have_is_nothing_to_measure() -> None:
    other = replace(COMPOSITION, name="other", columns=(Column(name="age", title="how old"),))
    (table,) = tables({}, [COMPOSITION, other])
    assert [column.name for column in table.columns][-1] == "age"
    applies = {row.exhibit.name: [cell.applies for cell in row.cells] for row in table.rows}
    assert applies == {"composition": [True] * 6 + [False], "other": [False] * 6 + [True]}
