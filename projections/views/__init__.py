"""The views. One module per view: its tables, and how an event changes them."""

from django.core.management.base import CommandError

from messaging.events.checkpoints import Checkpoints
from messaging.events.view import View
from projections.database import PROJECTIONS
from projections.models import Checkpoint
from projections.topology import projector_of
from projections.views import bookings, customer_history, sales, seat_map

VIEWS: dict[str, View] = {view.name: view for view in (bookings.VIEW, seat_map.VIEW, customer_history.VIEW, sales.VIEW)}


def named(name: str) -> View:
    """The view of this name. Raises CommandError, which lists the names."""
    if name not in VIEWS:
        raise CommandError(f"no view '{name}'; there are {', '.join(VIEWS)}")
    return VIEWS[name]


def checkpoints_of(view: View) -> Checkpoints:
    return Checkpoints(Checkpoint, view.name, PROJECTIONS)


def program_of(view: View) -> str:
    """The name of the process that keeps the view up to date."""
    return projector_of(view.name)
