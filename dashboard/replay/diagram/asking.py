"""Parses the diagram's URL, and reports what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import QueryDict

from dashboard.typed import whole
from drawing.diagram.layout import name_of
from drawing.diagram.shapes import ZOOMS, Zoom
from drawing.present import SERVICE_NAMES
from journal.models import LIVE
from journal.reading import marks
from journal.reading.stretches import Filter
from journal.runs import runs

PICTURE = 240  # entries, while one end of the range is open
MOST = 600  # maximum number of entries in a picture
FIELDS = ("run", "from", "to", "service", "booking", "kind", "q", "zoom")
SERVICES = (*SERVICE_NAMES, "control", "audit")
KINDS = ("transaction", "observation", "fault")
LONGEST = 80


@dataclass(slots=True)
class Asked:
    """`first`, `last`: those of the run; `since`, `until`: the requested ends, None if open. `problems`: a sentence for
    each invalid part; `missing`: the run is not here.
    """

    given: dict[str, str]
    run: dict[str, Any] | None = None
    tape: int = LIVE
    first: int = 0
    last: int = 0
    since: int | None = None
    until: int | None = None
    zoom: Zoom | None = None
    problems: list[str] = field(default_factory=list)
    missing: bool = False

    def filter(self, **more: int) -> Filter:
        """For the requested range, or for positions `first` to `last`."""
        edges = {"first": max(self.since or self.first, self.first), "last": min(self.until or self.last, self.last)}
        return Filter(
            **{**edges, **more}, tape=self.tape,
            service=self.given["service"], booking=self.given["booking"], kind=self.given["kind"],
        )  # fmt: skip


def read(query: QueryDict) -> Asked:
    """Parse a URL; all problems are reported."""
    asked = Asked({name: query.get(name, "").strip() for name in FIELDS})
    given = asked.given
    _run(asked)
    asked.since, asked.until = _position(asked, "from"), _position(asked, "to")
    if asked.since is not None and asked.until is not None and asked.since > asked.until:
        asked.problems.append(f"From: {asked.since} is after {asked.until}. Give the earlier position first.")
    for name, allowed in (("service", SERVICES), ("kind", KINDS), ("zoom", [zoom.name for zoom in ZOOMS])):
        if given[name] and given[name] not in allowed:
            said = f"there is no '{given[name][:20]}'; there are {', '.join(allowed)}."
            asked.problems.append(f"{name.capitalize()}: {said}")
    if given["booking"]:
        try:
            given["booking"] = str(UUID(given["booking"]))
        except ValueError:
            asked.problems.append("Booking: give its whole id; the search finds a booking by a part of it.")
    if len(given["q"]) > LONGEST or "\x00" in given["q"]:
        asked.problems.append(f"Search: at most {LONGEST} characters, and no zero byte.")
        given["q"] = ""
    asked.zoom = next((zoom for zoom in ZOOMS if zoom.name == given["zoom"]), None)
    return asked


def choices() -> dict[str, Any]:
    """The options of the form."""
    return {"services": [(one, name_of(one)) for one in SERVICES], "kinds": KINDS, "runs": runs.listing()}


def _run(asked: Asked) -> None:
    text = asked.given["run"]
    if not text:
        asked.first, asked.last = marks.bounds(LIVE)
        return
    try:
        asked.run = runs.find(UUID(text))
    except ValueError:
        asked.problems.append("Run: give a run's id, or none for the live journal; /replay lists the runs.")
        return
    if asked.run is None:
        asked.missing = True
        asked.problems.append(f"Run: there is no run {text} here; /replay lists the runs.")
        return
    asked.tape, asked.first, asked.last = (asked.run[name] for name in ("tape", "first_pos", "last_pos"))


def _position(asked: Asked, name: str) -> int | None:
    text = asked.given[name]
    if not text:
        return None
    found = whole(text)
    if found is None:
        asked.problems.append(f"{name.capitalize()}: give a position in the journal, a number like 42.")
    return found
