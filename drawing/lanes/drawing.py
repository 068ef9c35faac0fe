"""The finished drawing of a booking's lanes: everything placed, and statements about the whole."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from drawing.lanes.arrangement import Kind
from drawing.lanes.folding import LineEnd
from drawing.lanes.shapes import Arrow, Band, Box, Column, Line, Mark, Sentence


@dataclass(slots=True)
class Lanes:
    """A drawing. `sentences` describe the same in words, in causal order."""

    width: float
    height: float
    columns: list[Column] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    times: list[Line] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)
    hues: tuple[str, ...] = ("plain", "back", "bad", "faint")  # of the arrowheads
    times_x: float = 0  # where a time ends
    narrow: bool = False
    folded: bool = False  # at a glance, without transaction ids
    ends: list[LineEnd] = field(default_factory=list)  # of the lines to views where no box stands

    @property
    def reading_order(self) -> str:
        """Ids of the boxes from top to bottom, each before the arrows that leave it. (They are drawn over the arrows.)"""
        leaving: dict[str, list[str]] = {}
        for arrow in self.arrows:
            leaving.setdefault(arrow.from_id, []).append(arrow.id)
        boxes = sorted(self.boxes, key=lambda box: (box.y, box.x))
        return " ".join(one for box in boxes for one in (box.id, *leaving.get(box.id, [])))

    @property
    def standing(self) -> bool:
        """Whether a fault holds the saga: one of its steps or messages is held, without an effect so far. A held view
        does not hold the saga."""
        gone = {arrow.from_id for arrow in self.arrows if not arrow.future}
        if any(
            _held(box.node.marks) and box.node.kind == "held" and box.id not in gone and not box.future
            for box in self.boxes
            if box.node.lane.kind != Kind.VIEWS
        ):
            return True
        return any(
            arrow.flow.target is None and arrow.flow.kind in ("command", "reply") and _held(arrow.flow.marks)
            for arrow in self.arrows
            if not arrow.future
        )

    @property
    def still(self) -> str:
        """The view that a fault holds, "" if there is none; "a view" if the observation does not name the process."""
        for box in self.boxes:
            if box.node.lane.kind == Kind.VIEWS and not box.future and _held(box.node.marks):
                return box.node.process.removeprefix("projector-").replace("-", "_") or "a view"
        return ""


def _held(marks: Iterable[Mark]) -> bool:
    return any(mark.kind == "held" and not mark.ended for mark in marks)
