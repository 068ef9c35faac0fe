"""The bench's arithmetic: medians over the rounds, the better chain, and what each ratio compares."""

import pytest

from bench.results import (
    COMPLETE,
    CONFIRMED,
    EMPTY,
    GROUPED,
    INDEXED,
    REQUEST,
    SAGABOX,
    SEASON,
    VIEWS,
    Bulk,
    Lone,
    Results,
    Skipped,
)


def bulk(system: str, rate: float, *, house: str = "", way: str = REQUEST, moment: str = COMPLETE) -> Bulk:
    return Bulk(
        system=system, house=house, way=way, bookings=100, clients=1, seconds={moment: 100 / rate},
        cpu_ms={"worker": rate / 10}, load=0, others=0,
    )  # fmt: skip


def ours(views: float, *, house: str = EMPTY, way: str = REQUEST, confirmed: float = 1000) -> Bulk:
    seconds = {CONFIRMED: 100 / confirmed, VIEWS: 100 / views, INDEXED: 100 / (views / 2)}
    return Bulk(
        system=SAGABOX, house=house, way=way, bookings=100, clients=16, seconds=seconds, cpu_ms={}, load=0, others=0
    )


def lone(system: str, milliseconds: list[float], moment: str = COMPLETE, house: str = "") -> Lone:
    return Lone(system=system, house=house, samples_ms={moment: milliseconds}, load=0)


def test_a_figure_is_the_median_of_the_rounds_with_its_spread() -> None:
    results = Results([bulk("restate", rate) for rate in (100, 300, 110)])
    spread = results.rates(("restate", "", REQUEST))[COMPLETE]
    assert (spread.median, spread.least, spread.most) == pytest.approx((110, 100, 300))
    assert results.cpu_ms(("restate", "", REQUEST)) == pytest.approx({"worker": 11})


def test_the_chain_is_the_form_that_is_better_over_the_rounds() -> None:
    """Not the one with the best single round."""
    two, solo = (
        [bulk("celery_two", rate) for rate in (100, 101, 500)],
        [bulk("celery_solo", rate) for rate in (150, 151, 152)],
    )
    results = Results([*two, *solo, ours(302)])
    assert results.best_chain == "celery_solo"
    assert results.ratios()["celery_chain"] == pytest.approx(302 / 151)


def test_each_ratio_compares_what_its_name_says() -> None:
    """Until all views have converged, one start a request, in the empty house; a lone booking in times, not in rates."""
    results = Results(
        [
            ours(300), ours(600, way=GROUPED), ours(270, house=SEASON),
            bulk("celery_two", 150), bulk("restate", 100), bulk("dbos", 75), bulk("three_commits", 2000),
            lone(SAGABOX, [90, *[40.0] * 8, 45], VIEWS, EMPTY), lone("restate", [20.0, 16, 25]),
        ]
    )  # fmt: skip
    assert results.ratios() == pytest.approx(
        {
            "celery_chain": 2, "restate": 3, "dbos": 4, "three_commits": 0.15, "lone_restate": 2,
            "grouped_celery_chain": 4, "season": 0.9, "first_tenth": 2,
        }
    )  # fmt: skip


def test_a_ratio_to_what_was_not_measured_is_none() -> None:
    results = Results([ours(300), Skipped(system="restate", reason="no node")])
    assert set(results.ratios().values()) == {None}
    assert results.as_dict()["skipped"] == {"restate": "no node"}


def test_a_lone_booking_is_the_median_of_the_rounds_medians() -> None:
    results = Results([lone("dbos", [1, 2, 30]), lone("dbos", [4, 4, 4]), lone("dbos", [8, 9, 7])])
    spread = results.lone_ms("dbos")[COMPLETE]
    assert (spread.median, spread.least, spread.most) == (4, 2, 8)


def test_the_first_booking_is_compared_with_the_tenth_only_where_there_are_ten() -> None:
    assert Results([lone(SAGABOX, [9.0] * 9, VIEWS, EMPTY)]).first_ms(EMPTY) is None
    assert Results([lone(SAGABOX, [300.0, *[9.0] * 8, 100], VIEWS, EMPTY)]).first_ms(EMPTY) == (300, 100)
