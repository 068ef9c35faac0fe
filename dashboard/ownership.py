"""Whose booking it is: a visitor changes and cancels what they placed, an operator anything."""

from django.http import HttpRequest

from dashboard.clients import get_json
from dashboard.operator import is_operator
from dashboard.visitor import visitor
from messaging.problems import Problem


def check_owner(request: HttpRequest, booking: str) -> None:
    """Raise Problem 403 unless this visitor placed the booking, as Booking itself knows. Raises ServiceDown."""
    if is_operator(request):
        return
    found = get_json("booking", f"/api/bookings/{booking}")
    if found is None or not found["placed_by"] or found["placed_by"] != visitor(request):
        raise Problem(403, "Not your booking", "only the visitor who placed a booking changes it, or an operator")
