"""The swimlanes of a recorded booking, and a box in them."""

from functools import partial

from config.house import HOUSE
from drawing import lanes
from drawing.lanes import Lanes, orchestrated
from drawing.lanes.shapes import Box
from tests.drawing.recording import recorded
from topology.sagas import sagas_of

LANES = orchestrated(HOUSE, sagas_of(HOUSE))
BOOKING = "01a1fdef-2806-7036-929e-3e4f7f23fd0a"
draw = partial(lanes.draw, lanes=LANES)


def drawn(name: str, pos: int | None = None) -> Lanes:
    booking, entries = recorded(name)
    return draw(entries, booking, pos)


def box(lanes: Lanes, lane: str, title: str) -> Box:
    found = [one for one in lanes.boxes if one.service == lane and one.node.title == title]
    assert found, f"no box {title} of {lane} in {[(one.service, one.node.title) for one in lanes.boxes]}"
    return found[-1]
