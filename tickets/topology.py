"""Ticket's part of the house."""

from topology.parts import Database, Instance, Service, part
from topology.programs import of_service

SERVICE = Service(
    name="tickets",
    title="Ticket",
    database="tickets",
    contract="tickets.contract",
    shown="tickets.shown",
    booking_columns={"tickets_ticket": "issuance_id"},
    truth={"issuance": "tickets_issuance", "ticket": "tickets_ticket"},
)
DATABASE = Database(alias="tickets", instance="tickets", apps=("tickets",))
PART = part(Instance(name="tickets"), DATABASE, SERVICE, *of_service(SERVICE, DATABASE))
