"""Every saga this service runs, by the name its rows carry."""

from booking.saga.book_tickets import BOOK_TICKETS
from booking.saga.cancel_booking import CANCEL_BOOKING

DEFINITIONS = {definition.name: definition for definition in (BOOK_TICKETS, CANCEL_BOOKING)}
