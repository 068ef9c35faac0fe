"""What an entry of the journal changes on the page: a run of htmx out-of-band swaps, made from the same partials as the page."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string

from dashboard.stage import present


@dataclass(frozen=True, slots=True)
class Frame:
    """What one entry changes: `html` on every page, `seats[performance]` on the pages that show this performance."""

    pos: int
    html: str
    seats: dict[str, str]

    def for_page(self, performance: str) -> str:
        return self.html + self.seats.get(performance, "")


def render(raw: dict[str, Any]) -> Frame:
    """The line in the feed, then each gauge and each seat that the entry's rows move."""
    html = [render_to_string("dashboard/live.html#line", {"entry": present.entry(raw)})]
    seats: dict[str, str] = defaultdict(str)
    for change in raw.get("changes") or []:
        row = change.get("new")
        if row is None:
            continue
        if change["table"] == "projections_seatmap" and change["op"] == "update":
            seats[row["performance_id"]] += render_to_string("dashboard/seats.html#seat", {"seat": row, "oob": True})
        elif change["table"] == "projections_checkpoint" and row["applied"]:
            html.append(render_to_string("dashboard/live.html#lag", {"lag": row, "oob": True}))
    return Frame(raw["pos"], "".join(html), dict(seats))
