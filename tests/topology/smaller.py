"""A house without Ticket, for SAGABOX_HOUSE."""

from config.house import BOOKING, GATEWAY, JOURNAL, PAYMENTS, PROJECTIONS, SEATS
from topology import House

HOUSE = House(BOOKING, SEATS, PAYMENTS, PROJECTIONS, JOURNAL, GATEWAY)
