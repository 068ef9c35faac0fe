"""The house: the rooms' parts, in the order in which pages show them. `settings.HOUSE`, unless SAGABOX_HOUSE names another."""

from audit.topology import PART as AUDIT
from booking.topology import PART as BOOKING
from gateway.topology import PART as GATEWAY
from journal.topology import PART as JOURNAL
from lab.reads.replicas.topology import PART as COPIES
from lab.reads.topology import PART as READS
from payments.topology import PART as PAYMENTS
from projections.topology import PART as PROJECTIONS
from seats.topology import PART as SEATS
from tickets.topology import PART as TICKETS
from topology.house import House

PARTS = (BOOKING, SEATS, PAYMENTS, TICKETS, PROJECTIONS, JOURNAL, AUDIT, GATEWAY, READS, COPIES)
HOUSE = House(*PARTS)
