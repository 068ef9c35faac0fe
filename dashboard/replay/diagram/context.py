"""The picture of a range of a tape, and links to the neighbouring ranges. From the journal alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from dashboard import filtered
from dashboard.replay.diagram.asking import MOST, PICTURE, Asked
from drawing.diagram.layout import draw, zoom_for
from drawing.diagram.shapes import ZOOMS
from gateway.people.privacy import viewer
from journal.entry import Step
from journal.models import LIVE, Run
from journal.reading import stretches
from journal.reading.search import ALLOWED, Found, find

LOOKED_AT = 6000
"""Entries read for one picture: hidden ones are read too, since causes may lead through them."""


def shown(asked: Asked) -> dict[str, Any]:
    """The picture, and links to the neighbouring ranges."""
    hits = find(asked.given["q"], asked.tape, asked.first, asked.last) if asked.given["q"] else []
    found = hits[0].pos if hits else None
    steps, causes = _stretch(asked, found)
    first, last = (steps[0].pos, steps[-1].pos) if steps else (0, 0)
    zoom = asked.zoom or zoom_for(len(steps))
    around = {cause for step in steps for cause in step.cause_pos} | {c for found in causes.values() for c in found}
    named = stretches.messages(asked.tape, around, {cause for step in steps for cause in step.causes})
    outside = stretches.briefly(asked.tape, around - {step.pos for step in steps})
    picture = draw(steps, zoom, causes=causes, messages=named, outside=outside, href=_links(asked, steps), found=found)
    step = next(number for number, one in enumerate(ZOOMS) if one is zoom)
    anyway = {"from": asked.given["from"], "to": asked.given["to"]}
    return {
        "wanted": asked.filter(),
        "picture": picture, "first": first, "last": last, "shown": len(steps), "hits": _hits(asked, hits),
        "found": next((node for node in picture.nodes if node.found), None), "allowed": ALLOWED,
        "hidden": found is not None and not _fits(asked, found),
        "earlier": address(asked, to=first - 1, **{"from": ""}, q="") if steps and first > asked.first else "",
        "later": address(asked, to="", **{"from": last + 1}, q="") if steps and last < asked.last else "",
        "nearer": address(asked, **anyway, zoom=ZOOMS[step + 1].name) if step + 1 < len(ZOOMS) else "",
        "farther": address(asked, **anyway, zoom=ZOOMS[step - 1].name) if step else "",
        "whole": address(asked, **{"from": "", "to": "", "service": "", "booking": "", "kind": "", "q": ""}),
    }  # fmt: skip


def _stretch(asked: Asked, found: int | None) -> tuple[list[Step], dict[int, list[int]]]:
    """The entries to draw; and, if a filter hides others among them, all causes in the range."""
    wanted = asked.filter()
    if found is not None and not (asked.since and asked.until and wanted.first <= found <= wanted.last):
        half = PICTURE // 2
        steps = stretches.steps(asked.filter(first=asked.first, last=found), half, newest=True)
        steps += stretches.steps(asked.filter(first=found + 1, last=asked.last), PICTURE - half)
    elif asked.since is None:
        limit = MOST if asked.given["booking"] and asked.until is None else PICTURE
        steps = stretches.steps(wanted, limit, newest=True)
    else:
        steps = stretches.steps(wanted, PICTURE if asked.until is None else MOST)
        if found is not None and found not in {step.pos for step in steps} and _fits(asked, found):
            steps = stretches.steps(asked.filter(last=found), PICTURE, newest=True)  # beyond one picture
    if not steps or not (asked.given["service"] or asked.given["kind"]):
        return steps, {}
    causes = stretches.causes(asked.filter(first=steps[0].pos, last=steps[-1].pos), LOOKED_AT)
    if len(causes) == LOOKED_AT:  # an entry must be drawn with everything that led to it
        steps = [step for step in steps if step.pos <= max(causes)]
    return steps, causes


def _fits(asked: Asked, pos: int) -> bool:
    """Whether the filter accepts an entry, whatever its position."""
    return bool(stretches.steps(asked.filter(first=pos, last=pos), 1))


def _hits(asked: Asked, hits: list[Found]) -> list[dict[str, Any]]:
    """A row found by a part of its key reveals the whole key, which is for an operator."""
    full = viewer().operator
    return [
        {"what": hit.what if full else "what you looked for", "pos": hit.pos, "url": address(asked, q=f"#{hit.pos}")}
        for hit in hits
    ]


def _links(asked: Asked, steps: list[Step]) -> Callable[[Step], str]:
    """The URL of a moment: on the stage for a live booking, otherwise in its run's replay."""
    run = str(asked.run["id"]) if asked.run else ""
    runs: list[tuple[int, int | None, str]] = []
    if asked.tape == LIVE and not run and steps:
        found = Run.objects.filter(tape=LIVE, started_pos__lte=steps[-1].pos).order_by("-started_pos")
        runs = [(start, end, str(id)) for start, end, id in found.values_list("started_pos", "ended_pos", "id")[:50]]

    def href(step: Step) -> str:
        if asked.tape == LIVE and step.bookings:
            mine = asked.given["booking"]
            booking = mine if mine in step.bookings else step.bookings[0]
            return f"/?booking={booking}&pos={step.pos}"
        its = run or next((id for start, end, id in runs if start <= step.pos and (end is None or step.pos <= end)), "")
        return f"{reverse('replay-run', args=[its])}?pos={step.pos}" if its else ""

    return href


def address(asked: Asked, **changed: Any) -> str:
    """This page's URL with some parameters changed."""
    return filtered.address("replay-diagram", {**asked.given, **changed})
