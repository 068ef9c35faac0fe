"""The page with the bench's figures: renewed from its JSON, and nothing else of the page is touched."""

import xml.etree.ElementTree as ElementTree

import pytest

from bench.published.chart import Bar, Panel, chart
from bench.published.page import PAGE, picture, renewed
from bench.report import machine
from bench.results import (
    COMPLETE,
    CONFIRMED,
    EMPTY,
    GENERATOR,
    INDEXED,
    REQUEST,
    SAGABOX,
    VIEWS,
    Bulk,
    Lone,
    Results,
    Skipped,
)

ABOUT = {"at": "2030-01-01 10:00 UTC", "seconds": 600, "rounds": 1, "bookings": 100, "lone": 2, "past": 0}


def results() -> dict[str, object]:
    seconds = {CONFIRMED: 0.4, VIEWS: 0.5, INDEXED: 1.0}
    measured: list[Bulk | Lone | Skipped] = [
        Bulk(
            system=SAGABOX, house=EMPTY, way=REQUEST, bookings=100, clients=16, seconds=seconds, load=0.5, others=0.02,
            cpu_ms={"recorder": 2.0, "web": 0.01, GENERATOR: 0.3},
        ),
        Bulk(system="celery_two", bookings=100, clients=1, seconds={COMPLETE: 1.0}, cpu_ms={"worker": 9}, load=0, others=0),
        Lone(system=SAGABOX, house=EMPTY, samples_ms={CONFIRMED: [30, 32], VIEWS: [40, 42]}, load=0),
        Skipped(system="restate", reason="there is no node"),
    ]  # fmt: skip
    return {**ABOUT, "machine": machine(), **Results(measured).as_dict()}


def test_the_page_s_figures_are_those_of_the_run() -> None:
    before = "# Speed\n\n<!-- figures: by hand -->\nold\n<!-- end of figures -->\n\nMore.\n"
    page = renewed(before, results())
    assert page.startswith("# Speed\n\n<!-- figures: by hand -->\n")
    assert page.endswith("<!-- end of figures -->\n\nMore.\n")
    assert "old" not in page
    assert "| Sagabox, empty house, one a request | 16 | 250 | 200 | 100 | 2.3 |" in page
    assert "| Sagabox, empty house | 31.0 | 41.0 |" in page
    assert "| Celery chain, one worker of 2 processes | 1 | 100 |  |  | 9.0 |" in page
    assert "| `celery_chain` | views converged, against the Celery chain | 2.00 | >= 2 |" in page
    assert "| `restate` | views converged, against Restate | not measured | >= 2.5 |" in page
    assert "Restate was skipped: there is no node" in page
    assert "| all others | 0.01 |" in page
    assert renewed(page, results()) == page


def test_a_page_without_a_place_for_figures_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the figures"):
        renewed("# Speed", results())


def test_the_page_has_its_place() -> None:
    assert "| Sagabox, empty house, one a request |" in renewed(PAGE.read_text(), results())


def test_the_chart_is_drawn_to_scale_and_in_its_box() -> None:
    bars = [
        Bar(label="A & B", value=200, least=150, most=250, ours=True),
        Bar(label="C", value=100, least=100, most=100, ours=False),
    ]
    drawn = ElementTree.fromstring(chart([Panel(title="a second", bars=bars)], about="A <and> B"))  # noqa: S314 - our own
    space = {"svg": "http://www.w3.org/2000/svg"}
    wide, narrow = [
        float(one.get("width", 0)) for one in drawn.findall("svg:rect", space) if one.get("class") != "page"
    ]
    assert wide == pytest.approx(2 * narrow, rel=0.01)
    _, _, width, height = map(float, drawn.get("viewBox", "").split())
    assert all(float(one.get("x", 0)) < width for one in drawn.findall("svg:text", space))
    assert all(float(one.get("y", 0)) < height for one in drawn.findall("svg:text", space))


def test_the_picture_leaves_the_limits_out() -> None:
    """They are an order of magnitude above all others."""
    more = Bulk(system="three_commits", bookings=100, clients=8, seconds={COMPLETE: 0.05}, cpu_ms={}, load=0, others=0)
    assert "three bare commits" not in picture({**ABOUT, **Results([more]).as_dict()})
