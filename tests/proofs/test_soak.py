"""The soak's numbers: level is level, growth is seen; plots stay inside their box."""

from itertools import pairwise

from proofs.management.commands.load import page
from proofs.plot import APART, HEIGHT, WIDTH, Series, bars, lines
from proofs.soak.run import slopes


def looks(values: list[float]) -> list[dict[str, float]]:
    return [{"at": float(at), "memory/web": value} for at, value in enumerate(values)]


def test_level_and_growing_are_told_apart() -> None:
    warm = [50, 90, 100, 100, 100, 100, 100, 100]
    assert slopes(looks([float(one) for one in warm])) == {"memory/web": (100.0, 100.0)}
    assert slopes(looks([float(one) for one in range(8)])) == {"memory/web": (2.5, 6.5)}


def test_a_gauge_that_fell_silent_for_a_while_is_no_zero() -> None:
    with_a_gap = [*looks([10.0] * 8), {"at": 9.0}]
    assert slopes(with_a_gap) == {"memory/web": (10.0, 10.0)}


def test_the_page_has_a_line_for_each_gauge() -> None:
    found = {"rate": 5, "minutes": 1, "answers": {"202": 3}, "behind_s": 0.1, "looks": looks([1.0, 2.0])}
    text = page(found)
    assert text.count("<polyline") == 1
    assert "202 x 3" in text


def test_plots_stay_inside_their_box() -> None:
    plot = bars([Series("a", [1, 2]), Series("b", [3, 0])], 10)
    assert all(rect["y"] >= 0 and rect["y"] + rect["height"] <= HEIGHT + 0.1 for rect in plot["rects"])
    assert (plot["top"], plot["names"]) == (4, ["a", "b"])
    (line,) = lines([Series("a", [0, 5])], 10)["lines"]
    assert line["points"] == f"0.0,{HEIGHT:.1f} {WIDTH:.1f},0.0"
    assert lines([Series("empty", [])], 0)["lines"][0]["points"] == ""


def test_the_lines_that_end_highest_have_names_that_do_not_cover_each_other() -> None:
    found = lines([Series(str(number), [0, number]) for number in (1, 100, 99, 98, 97)], 10)["lines"]
    assert [line["hue"] for line in found] == [None, 0, 1, 2, 3]
    heights = [line["y"] for line in found[1:]]
    assert all(lower - upper >= APART for upper, lower in pairwise(heights))
