"""Amounts as a person reads them."""

from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, get_currency_precision


@lru_cache(1000)  # a hall has a handful of prices and a thousand seats
def money(amount: int | None, currency: str) -> str:
    """Format an amount in minor units: 150000 KRW is ₩150,000 (the won has no minor unit), 4200 EUR is €42.00."""
    if amount is None or not currency:
        return ""
    return format_currency(Decimal(amount).scaleb(-get_currency_precision(currency)), currency, locale="en")
