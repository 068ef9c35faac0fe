"""The space-time diagram as a value: over bookings as they were recorded, and over any stretch at all."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing import lanes
from drawing.diagram.causality import OBSERVATIONS, line_of, links, ranks
from drawing.diagram.layout import draw
from drawing.diagram.shapes import ZOOMS, Picture
from journal.entry import Step
from tests.drawing.drawing import LANES
from tests.drawing.recording import recorded

SERVICES = ("booking", "seats", "payments", "tickets", "projections", "control", "elsewhere")
KINDS: Any = ("transaction", "observation", "fault")


def step(pos: int, service: str = "booking", *causes: int, kind: Any = "transaction") -> Step:
    return Step(pos, kind, service, title=f"entry {pos}", cause_pos=list(causes))


def check(picture: Picture, steps: list[Step]) -> None:
    """What holds for every picture."""
    assert sorted(node.pos for node in picture.nodes) == sorted(one.pos for one in steps), (
        "an entry is missing, or twice"
    )
    cells = [node.cell for node in picture.nodes]
    assert len(set(cells)) == len(cells), "two entries on one cell"
    by_id = {node.id: node for node in picture.nodes}
    for edge in picture.edges:
        start, *_, end = re.findall(r"[MHC ](-?[\d.]+) -?[\d.]+(?=[CH]|$)", edge.path) + re.findall(
            r"H([\d.]+)$", edge.path
        )
        assert float(start) < float(end) <= by_id[edge.to_id].x, f"{edge.id} is drawn backwards"
        if edge.from_id:
            assert by_id[edge.from_id].cell[0] < by_id[edge.to_id].cell[0], f"{edge.id} goes backwards"
    for row in {node.cell[1] for node in picture.nodes}:
        line = sorted((node.pos, node.cell[0]) for node in picture.nodes if node.cell[1] == row)
        assert line == sorted(line, key=lambda place: place[1]), "a line does not keep its log's order"
    assert {node.cell[0] for node in picture.nodes} == set(range(picture.columns)), "a column is empty"
    assert all(0 < node.x < picture.width and 0 < node.y < picture.height for node in picture.nodes)
    assert sum(node.tab == "0" for node in picture.nodes) == min(len(steps), 1)
    assert [int(row.pos) for row in picture.rows] == [one.pos for one in steps]


@st.composite
def stretches(draw_one: st.DrawFn) -> list[Step]:
    """A stretch of a tape in its order, causes before it and nonsense (a cause that came later) among its causes."""
    start = draw_one(st.integers(1, 50))
    made = []
    for pos in range(start, start + draw_one(st.integers(0, 30))):
        causes = draw_one(st.lists(st.integers(max(1, pos - 12), pos + 2), max_size=4))
        made.append(step(pos, draw_one(st.sampled_from(SERVICES)), *causes, kind=draw_one(st.sampled_from(KINDS))))
    return made


@settings(max_examples=150, deadline=None)
@given(stretches(), st.sets(st.sampled_from(SERVICES)), st.sampled_from(ZOOMS))
def test_any_stretch_with_any_filter(stretch: list[Step], hidden: set[str], zoom: Any) -> None:
    shown = [one for one in stretch if one.service not in hidden]
    causes = {one.pos: one.cause_pos for one in stretch}
    check(draw(shown, zoom, causes=causes), shown)
    # What led to what does not depend on what is shown: over however many hidden entries.
    led = closure(links(stretch))
    ahead = closure(links(shown, causes))
    there = {one.pos for one in shown}
    assert ahead == {(a, b) for a, b in led if a in there and b in there}


@settings(max_examples=100, deadline=None)
@given(stretches())
def test_as_many_columns_as_the_longest_path(stretch: list[Step]) -> None:
    found = links(stretch)
    longest: dict[int, int] = {}
    last: dict[str, int] = {}
    for one in stretch:
        before = [longest[link.source] for link in found if link.target == one.pos and link.through == "direct"]
        longest[one.pos] = last[line_of(one)] = 1 + max([*before, last.get(line_of(one), 0)])
    assert len(set(ranks(stretch, found).values())) == max(longest.values(), default=0)


def closure(found: list[Any]) -> set[tuple[int, int]]:
    led: set[tuple[int, int]] = set()
    for link in sorted((link for link in found if link.through != "before"), key=lambda link: link.target):
        led |= {(link.source, link.target)} | {(a, link.target) for a, b in led if b == link.source}
    return led


def test_independent_entries_share_a_column_and_an_effect_stands_right_of_its_cause() -> None:
    steps = [
        step(1),
        step(2, "seats"),
        step(3, "payments", 1),
        step(4, "seats", 2, 3),
        step(5, "control", 3, kind="fault"),
    ]
    column = ranks(steps, links(steps))
    assert column == {1: 0, 2: 1, 3: 1, 4: 2, 5: 2}
    assert line_of(steps[-1]) == OBSERVATIONS


def test_a_cause_before_the_stretch_comes_in_at_the_left_edge() -> None:
    picture = draw([step(7, "seats", 3), step(8, "booking", 7)], ZOOMS[2], outside={3: ("booking", "Book")})
    before, after = picture.edges
    assert (before.kind, before.from_id, before.to_id) == ("before", "", "n-7")
    assert before.path.startswith("M2 ")
    assert "from #3 Booking, before this stretch: Book" in before.title
    assert (after.from_id, after.to_id) == ("n-7", "n-8")
    assert picture.rows[0].causes == [("3", False, "#3 Booking, before this stretch")]


def test_a_cause_that_is_not_kept_has_no_service_and_an_unknown_one_is_told() -> None:
    (edge,) = (picture := draw([replace(step(7, "seats", 3), cause_known=False)], ZOOMS[2])).edges
    assert edge.title == "message, from #3, before this stretch: not kept here"
    assert picture.rows[0].causes == [("3", False, "#3, before this stretch")]
    assert picture.nodes[0].label.endswith(", a cause is unknown")


def test_a_line_names_all_messages_that_go_along_it() -> None:
    both = replace(step(2, "projections", 1), causes=["a", "b"])
    named = {(1, "a"): ("event", "SeatsReserved"), (1, "b"): ("event", "SeatPriced")}
    (edge,) = draw([step(1, "seats"), both], ZOOMS[2], messages=named).edges
    assert (edge.kind, edge.title) == ("event", "event SeatsReserved and event SeatPriced, from #1 to #2")


def test_a_hidden_entry_is_led_over() -> None:
    steps = [step(1, "payments"), step(2, "booking", 1), step(3, "tickets", 2), step(4, "payments", 3)]
    picture = draw([steps[0], steps[3]], ZOOMS[0], causes={one.pos: one.cause_pos for one in steps})
    assert [(edge.from_id, edge.to_id, edge.kind) for edge in picture.edges] == [("n-1", "n-4", "hidden")]


def test_the_stage_leads_there() -> None:
    booking, entries = recorded("declined")
    told = render_to_string(
        "drawing/lanes.html", {"lanes": lanes.draw(entries, booking, lanes=LANES), "booking_id": booking}
    )
    assert f'href="/replay/diagram?booking={booking}"' in told


@pytest.mark.parametrize("name", ["declined", "lost_acknowledgement", "crashed_worker"])
def test_a_recorded_booking(name: str) -> None:
    _, entries = recorded(name)
    steps: list[Step] = []
    sent: dict[tuple[int, str], tuple[str, str]] = {}
    for entry in entries:
        data = entry["data"] or {}
        kind: Any = entry["kind"] if entry["kind"] == "transaction" or data.get("kind") != "fault" else "fault"
        steps.append(
            Step(
                entry["pos"], kind, entry["service"], entry["xid"], entry["lsn"], None, entry["title"],
                data.get("kind", ""), entry["causes"], entry["cause_pos"], entry["cause_known"], entry["correlations"],
            )
        )  # fmt: skip
        sent |= {
            (entry["pos"], change["new"]["id"]): (change["new"]["kind"], change["new"]["type"])
            for change in entry["changes"]
            if change["table"].endswith("_outbox")
        }
    picture = draw(steps, ZOOMS[1], messages=sent, href=lambda one: f"/at/{one.pos}", found=steps[3].pos)
    check(picture, steps)
    assert (
        {"command", "reply", "event"}
        <= {edge.kind for edge in picture.edges}
        <= {"command", "reply", "event", "before"}
    )
    assert [node.pos for node in picture.nodes if node.found] == [node.pos for node in picture.nodes if node.tab == "0"]
    assert [node.href for node in picture.nodes if node.found] == [f"/at/{steps[3].pos}"]
