"""Template helpers: money, short ids, and the header's navigation."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import format_currency, get_currency_precision
from django import template

from dashboard.navigation import Place, places

register = template.Library()


@register.filter
@lru_cache(1000)  # a hall has a handful of prices and a thousand seats
def money(amount: int | None, currency: str) -> str:
    """Format an amount in minor units: 150000 KRW is ₩150,000 (the won has no minor unit), 4200 EUR is €42.00."""
    if amount is None or not currency:
        return ""
    return format_currency(Decimal(amount).scaleb(-get_currency_precision(currency)), currency, locale="en")


@register.filter
def short(identifier: object) -> str:
    """The last eight characters of an id: the random end of a UUIDv7, since all of a minute begin alike."""
    return str(identifier)[-8:]


@register.filter
def lasting(milliseconds: float) -> str:
    """A duration as a person reads it: 433 ms, 70.6 s, 59 min."""
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, for a loop over a fixed few."""
    return text.split()


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[Place]:
    """The header's entries, for the page that is being rendered."""
    return places(context["request"].path)
