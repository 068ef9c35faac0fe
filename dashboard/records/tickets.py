"""The page /tickets/<code>: a ticket to show at the door, or to print."""

from typing import Any

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard.away import missing, says_when_away
from gateway.people import masked_reading

LONGEST = 100


@require_GET
@ensure_csrf_cookie
@says_when_away
def page(request: HttpRequest, code: str) -> HttpResponse:
    found = masked_reading.ticket(code) if len(code) <= LONGEST and "\x00" not in code else None
    if found is None:
        detail = "No ticket has this code. Codes come with a confirmed booking; a view may also be a moment behind."
        return missing(request, "No such ticket", detail)
    mine = (
        found["ticket"]["code"] == code
    )  # otherwise it is masked: a code admits anyone who has it, so only its owner sees it
    context: dict[str, Any] = {**found, "valid": found["tickets_status"] == "ISSUED", "qr": qr(code) if mine else ""}
    return render(request, "records/ticket.html", context)


def qr(code: str) -> SafeString:
    """The code as inline SVG: error correction M (15 % may be unreadable), no style attribute, scaled by its viewBox."""
    symbol = segno.make(code, error="m", micro=False)
    svg = symbol.svg_inline(border=2, omitsize=True, svgclass="qr", lineclass=None, dark="#000", light="#fff")
    return mark_safe(svg)  # noqa: S308 (made of numbers by segno; the code itself is not in it)
