"""A seat of the map as it is now, as HTML: what the page and the socket both draw.

It is a function and not a template, because a hall has a thousand of them and the socket sends a hundred a second.
Every value is escaped here.
"""

from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from drawing.money import money

LETTERS = {"RESERVED": "R", "SOLD": "S"}


def seat(row: dict[str, Any]) -> SafeString:
    """`<button>` of a row of the seat map view. It has an id, so that it can be replaced."""
    status, label = str(row["status"]), escape(str(row["label"]))
    price = escape(money(row["price"], row["currency"]))
    may = 'aria-selected="false"' if status == "AVAILABLE" else 'aria-disabled="true"'
    html = (
        f'<button type="button" role="gridcell" tabindex="-1" class="seat"'
        f' id="seat-{escape(str(row["performance_id"]))}-{label}" data-label="{label}" data-status="{escape(status)}"'
        f' data-price="{escape(str(row["price"]))}" data-shown-price="{price}"'
        f' data-currency="{escape(str(row["currency"]))}" aria-label="{label}, {escape(status.lower())}, {price}" {may}>'
        f"{LETTERS.get(status) or escape(str(row['number']))}</button>"
    )
    return mark_safe(html)  # noqa: S308
