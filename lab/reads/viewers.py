"""Who may see which part of a booking. A composed answer asks this once; separate calls ask it each for itself."""

from collections.abc import Mapping
from typing import Any

PARTS = ("booking", "customer", "hold", "payment", "tickets")
VIEWERS: Mapping[str, frozenset[str]] = {
    "support": frozenset(PARTS),
    "door": frozenset(PARTS) - {"customer"},  # checks tickets at the entrance; names and addresses are not its business
    "customer": frozenset(PARTS),  # of their own bookings, and of no other
}
"""Role -> the parts it may see."""


def may_see(viewer: str, part: str) -> bool:
    return part in VIEWERS[viewer]


def owns(viewer: str, customer: int, row: Mapping[str, Any]) -> bool:
    """Whether the viewer may see this row at all. `customer`: who a viewer in the role of a customer is."""
    return viewer != "customer" or row.get("customer_id") == customer


def refusal(viewer: str, part: str) -> str:
    return f"the {part} is not for the role '{viewer}'"
