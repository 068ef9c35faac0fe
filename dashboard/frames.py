"""What an entry of the journal changes on the page: a run of htmx out-of-band swaps, made from the same partials as the page."""

from typing import Any

from django.template.loader import render_to_string

from dashboard import present


def render_entry(raw: dict[str, Any]) -> str:
    """The line in the feed, then each seat and each gauge that the entry's rows move."""
    parts = [render_to_string("dashboard/live.html#line", {"entry": present.entry(raw)})]
    for change in raw.get("changes") or []:
        row = change.get("new")
        if row is None:
            continue
        table = change["table"].rsplit(".", 1)[-1]
        if table == "projections_seatmap":
            parts.append(render_to_string("dashboard/seats.html#seat", {"seat": row, "oob": True}))
        elif table == "projections_checkpoint" and row.get("applied"):
            parts.append(render_to_string("dashboard/live.html#lag", {"lag": row, "oob": True}))
    return "".join(parts)
