"""Sums over contributions: a customer's history and a performance's sales, added up when they are read."""

import unicodedata
from typing import Any

from projections.database import PROJECTIONS
from projections.ordinary import LAB

# Customers whose name or number matches, after a number; then the sums of those on the page alone.
_CUSTOMERS = """
    with page as (
        select id, name, version from projections_historycustomer
        where id > %(after)s and (%(name)s = '' or name ilike %(name)s or id::text = %(number)s)
        order by id limit %(limit)s
    )
    select page.id, page.name, page.version, count(h.id) as bookings,
        count(h.id) filter (where h.state = 'CONFIRMED') as confirmed,
        count(h.id) filter (where h.state = 'CANCELLED') as cancelled,
        coalesce(sum(h.tickets) filter (where h.tickets_status = 'ISSUED'), 0)::bigint as tickets,
        max(h.updated_at) as last_activity
    from page left join projections_historybooking h on h.customer_id = page.id and h.booking_version is not null
    group by page.id, page.name, page.version order by page.id
"""
_MONEY = """
    select customer_id, currency, sum(taken)::bigint as spent, sum(refunded)::bigint as refunded
    from projections_historybooking
    where customer_id = any(%s) and taken > 0 group by customer_id, currency order by currency
"""
NAMED_IN = {"bookings": "projections_customer", "customer_history": "projections_historycustomer"}
"""The views that name customers -> the table in which each does."""
NAMES = " union all ".join(
    f"select '{view}' as view, id, name, version from {table}" for view, table in NAMED_IN.items()
)
"""Each view's name of each customer: view, id, name, version."""
_SALES = """
    with seats as (
        select performance_id as id, count(*) as seats, count(*) filter (where status = 'SOLD') as sold,
            count(*) filter (where status = 'RESERVED') as held, count(*) filter (where status = 'AVAILABLE') as free,
            coalesce(sum(price) filter (where status = 'SOLD'), 0)::bigint as sold_value
        from projections_salesseat group by performance_id
    ), money as (
        select performance_id as id, sum(taken)::bigint as taken, sum(refunded)::bigint as refunded, currency,
            count(*) filter (where taken > 0) as payments, count(*) filter (where refunded > 0) as refunds
        from projections_salesbooking where taken > 0 group by performance_id, currency
    )
    select p.id, p.title, p.starts_at, coalesce(m.currency, p.currency) as currency, coalesce(s.seats, 0) as seats,
        coalesce(s.sold, 0) as sold, coalesce(s.held, 0) as held, coalesce(s.free, 0) as free,
        coalesce(s.sold_value, 0) as sold_value, coalesce(m.taken, 0) as taken, coalesce(m.refunded, 0) as refunded,
        coalesce(m.payments, 0) as payments, coalesce(m.refunds, 0) as refunds
    from projections_salesperformance p left join seats s using (id) left join money m using (id)
    where %(lab)s or p.id not like %(halls)s
    order by p.starts_at, p.id, currency
"""


def customers(search: str = "", after: int = 0, limit: int = 50) -> list[dict[str, Any]]:
    """Customers by id, those after `after`: id, name, version, bookings, confirmed, cancelled, tickets, last_activity, money.

    `search`: part of a name, or a whole number. `money`: [{"currency", "spent", "refunded"}], in minor units.
    """
    text = unicodedata.normalize("NFC", search.strip())  # as names are kept
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    asked = {"after": after, "name": f"%{escaped}%" if text else "", "number": text, "limit": limit}
    return _with_money(PROJECTIONS.named(_CUSTOMERS, asked))


def customer(number: int) -> dict[str, Any] | None:
    """One customer, in the same shape; None if the view has no such number."""
    found = PROJECTIONS.named(_CUSTOMERS, {"after": number - 1, "name": "", "number": "", "limit": 1})
    return _with_money(found)[0] if found and found[0]["id"] == number else None


def versions(number: int) -> list[dict[str, Any]]:
    """The customer's name in each view: view, name, version. Each view gets a new name at its own moment."""
    return PROJECTIONS.named(f"select view, name, version from ({NAMES}) named where id = %(id)s", {"id": number})


def sales(lab: bool = False) -> list[dict[str, Any]]:
    """Performances by date: id, title, starts_at, currency, seats, sold, held, free, sold_value, taken, refunded, payments,
    refunds. One line per currency that was paid in; money in minor units. `lab`: the lab's halls, too.
    """
    return PROJECTIONS.named(_SALES, {"lab": lab, "halls": f"{LAB}%"})


def _with_money(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = PROJECTIONS.named(_MONEY, [[row["id"] for row in rows]]) if rows else []
    for row in rows:
        row["money"] = [one for one in found if one["customer_id"] == row["id"]]
    return rows
