"""Bookings by filters and search, a page at a time, newest first: the list behind /bookings.

Ids are uuidv7, whose order is the order of time. So a page begins where another ended (`before`, keyset paging: page
2,000 costs as much as page 1), and a period is a range of ids.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Right

from projections.models import BookingView, Customer
from projections.ordinary import LAB
from projections.queries import BOOKING_COLUMNS, with_names

NAMES = 500  # maximum number of customers that a search by name includes
HEX = set("0123456789abcdef")
SHORT = 8  # the end of an id, as the pages show it


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to list. Empty fields do not filter. `search`: the beginning of an id or its last 8 characters, a seat, or, with
    `by_name`, a part of a customer's name. `only`: restrict the list to these bookings. `since` (included) and `until`
    (not). `lab`: those of the lab's halls, too.
    """

    state: str = ""
    customer: int | None = None
    seat: str = ""
    search: str = ""
    by_name: bool = True
    since: datetime | None = None
    until: datetime | None = None
    only: Sequence[str] | None = None
    before: UUID | None = None
    lab: bool = False


def bookings(wanted: Wanted, limit: int = 50) -> tuple[list[dict[str, Any]], UUID | None]:
    """Rows as in queries.bookings_of, each with its `customer`; and the `before` of the next page (None: there is none)."""
    found = list(_filtered(wanted).order_by("-id").values(*BOOKING_COLUMNS)[: limit + 1])
    more = found[limit - 1]["id"] if len(found) > limit else None
    return with_names(found[:limit]), more


def _filtered(wanted: Wanted) -> QuerySet[BookingView]:
    rows = BookingView.objects.filter(booking_version__isnull=False)
    if not wanted.lab:
        rows = rows.exclude(performance_id__startswith=LAB)
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.customer is not None:
        rows = rows.filter(customer_id=wanted.customer)
    if wanted.seat:
        rows = rows.filter(seats__contains=[wanted.seat])
    if wanted.since:
        rows = rows.filter(id__gte=_first_of(wanted.since))
    if wanted.until:
        rows = rows.filter(id__lt=_first_of(wanted.until))
    if wanted.only is not None:
        rows = rows.filter(id__in=list(wanted.only))
    if wanted.before:
        rows = rows.filter(id__lt=wanted.before)
    return rows.filter(_matching(wanted.search.strip(), wanted.by_name)) if wanted.search.strip() else rows


def _matching(text: str, by_name: bool) -> Q:
    """The text may be any of the three; each has its index."""
    text = unicodedata.normalize("NFC", text)  # as names are stored
    found = Customer.objects.filter(name__icontains=text) if by_name else Customer.objects.none()
    named = list(found.values_list("id", flat=True)[:NAMES])
    either = Q(seats__contains=[text.upper()]) | Q(customer_id__in=named)
    digits = text.lower().replace("-", "")
    if digits and set(digits) <= HEX and len(digits) <= 32:
        either |= Q(id__range=(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))))
        if len(digits) == SHORT:
            short: Any = Right(Cast("id", TextField()), SHORT)
            # A separate query: as a subquery it would hide from the planner that all of these are found by index.
            ends_so = BookingView.objects.alias(short=short).filter(short=digits).values_list("id", flat=True)
            either |= Q(id__in=list(ends_so[:NAMES]))
    return either


def _first_of(moment: datetime) -> UUID:
    """The smallest uuidv7 of that millisecond."""
    milliseconds = max(int(moment.astimezone(UTC).timestamp() * 1000), 0)
    return UUID(int=min(milliseconds, 2**48 - 1) << 80)
