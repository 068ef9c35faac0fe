"""The views. One module per view: its tables, and how an event changes them."""

from django.core.management.base import CommandError

from projections.views import bookings, customer_history, sales, seat_map
from projections.views.view import View

VIEWS: dict[str, View] = {view.name: view for view in (bookings.VIEW, seat_map.VIEW, customer_history.VIEW, sales.VIEW)}


def named(name: str) -> View:
    """The view of this name. Raises CommandError, which lists the names."""
    if name not in VIEWS:
        raise CommandError(f"no view '{name}'; there are {', '.join(VIEWS)}")
    return VIEWS[name]


__all__ = ["VIEWS", "View", "named"]
