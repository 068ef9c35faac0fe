"""Ticket's part of the house: it keeps copies of Booking's customers and of Seat's seats for the door, on demand."""

from topology.parts import Database, Instance, Kind, Program, Replicas, Service, part
from topology.programs import COMMON, WAITING, manage, of_service

SERVICE = Service(
    name="tickets",
    title="Ticket",
    database="tickets",
    contract="tickets.contract",
    shown="tickets.shown",
    booking_columns={"tickets_ticket": "issuance_id"},
    truth={"issuance": "tickets_issuance", "ticket": "tickets_ticket"},
    bookkeeping=("tickets_replicacheckpoint",),
    replicas=Replicas(
        module="tickets.replicas",
        role="tickets_replicator",
        tables=("tickets_customerreplica", "tickets_customerbooking", "tickets_seatreplica"),
        progress=("tickets_replicacheckpoint", "tickets_replicarebuild", "tickets_deadletter"),
    ),
)
DATABASE = Database(alias="tickets", instance="tickets", apps=("tickets",))
REPLICATOR = Program(
    name="replicator-tickets",
    kind=Kind.READER,
    service=SERVICE.name,
    arguments=manage("replicate"),
    keys=(*COMMON, SERVICE.replica_url, WAITING, "API_URL_BOOKING", "API_URL_SEATS"),
    yields=True,
    on_demand=True,
)
PART = part(
    Instance(name="tickets"),
    DATABASE,
    SERVICE,
    *of_service(SERVICE, DATABASE, api_keys=("API_URL_BOOKING",)),
    REPLICATOR,
)
