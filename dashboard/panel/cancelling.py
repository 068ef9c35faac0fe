"""Whether a page offers to cancel a booking."""

from gateway.people.privacy import viewer
from topology.chosen import HOUSE
from topology.sagas import leaving, sagas_of

SETTLED = leaving(sagas_of(HOUSE))


def may_cancel(state: str, booking: str) -> bool:
    """Whether there is anything left to cancel, and the booking is the viewer's. Booking makes the final decision."""
    return state not in SETTLED and viewer().owns(booking)
