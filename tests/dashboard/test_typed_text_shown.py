"""Text that people type, beside text of ours: on a page it is always set apart, whichever way it runs."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory

from tests.dashboard.markup import compact

ARABIC = "حفلة 2030"
ISOLATED = f"\u2068{ARABIC}\u2069"
RUN = {
    "id": "01a1feb9-b11d-78c8-99bf-000000000000",
    "name": ARABIC,
    "seed": ARABIC,
    "imported": True,
    "fault_words": [ARABIC],
}
WHEN = datetime(2030, 6, 1, tzinfo=UTC)
SUMS = dict.fromkeys(
    ("seats", "held", "sold", "free", "taken", "payments", "refunded", "refunds", "kept", "sold_value"), 1
)
SHOW = {"id": "show", "title": ARABIC, "venue": ARABIC, "starts_at": WHEN, "ahead": True, "currency": "EUR", **SUMS}
SEAT = {"label": "A-1", "number": 1, "status": "AVAILABLE", "price": 1, "currency": "EUR"}
SECTIONS = {ARABIC: [{"name": "A", "seats": [SEAT]}]}
BOOKED = {
    "id": RUN["id"],
    "seats": ["A-1"],
    "customer": ARABIC,
    "customer_id": 7,
    "state": "CONFIRMED",
    "performance_id": "show",
}
TICKET = {**BOOKED, "performance": SHOW, "ticket": {"seat": "A-1", "code": "code"}}


@pytest.mark.parametrize(
    ("template", "given", "shown"),
    [
        ("stage/index.html", {"performances": [SHOW]}, f">{ISOLATED}, 1 Jun 2030</option>"),
        ("stage/index.html", {"customers": [{"id": 7, "name": ARABIC}]}, f">{ISOLATED} (7)</option>"),
        ("drawing/seats.html", {"sections": SECTIONS, "live": False}, f"<h3><bdi>{ARABIC}</bdi>"),
        ("panel/booking.html#recent", {"recent": [BOOKED]}, f'title="{ISOLATED}, '),
        ("records/sales.html#table", {"rows": [SHOW]}, f"<bdi>{ARABIC}</bdi></a> <small>1 Jun 2030"),
        ("records/ticket.html", TICKET, f"<bdi>{ARABIC}</bdi></h1>"),
        ("records/ticket.html", TICKET, f"<p><bdi>{ARABIC}</bdi><br>"),
        ("replay/replay.html#runs", {"runs": [RUN]}, f"<b><bdi>{ARABIC}</bdi></b>"),
        ("replay/replay.html#runs", {"runs": [RUN | {"may": True, "mine": True}]}, f'aria-label="Delete {ISOLATED}"'),
        ("replay/run.html", {"run": RUN}, f"<title>Sagabox: {ISOLATED}</title>"),
        ("replay/run.html", {"run": RUN}, f'<h1 id="run-title"><bdi>{ARABIC}</bdi> '),
    ],
)
def test_it_is_set_apart(template: str, given: dict[str, Any], shown: str) -> None:
    common = {"standing": {"epoch": "e", "pos": 0}, "live": True, "services": [], "time": {"pos": 0}}
    html = render_to_string(template, common | given, RequestFactory().get("/"))
    assert compact(shown) in compact(html)
