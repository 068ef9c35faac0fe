"""Booking's part of the house: it runs the sagas, and keeps a replica table of Seat's programme."""

from topology.parts import Database, Instance, Kind, Program, Replicas, Service, part
from topology.programs import COMMON, WAITING, manage, of_service

SERVICE = Service(
    name="booking",
    title="Booking",
    database="booking",
    contract="booking.contract",
    shown="booking.shown",
    requests="booking.schemas",
    orchestrates=True,
    sagas="booking.saga.definitions",
    booking_columns={"booking_booking": "id"},
    truth={
        "customer": "booking_customer",
        "booking": "booking_booking",
        "saga": "booking_saga",
        "request": "booking_idempotencykey",
    },
    bookkeeping=("booking_replicacheckpoint", "booking_idempotencykey", "booking_sagalog"),
    private=("booking_credential",),
    replicas=Replicas(
        module="booking.replica",
        role="booking_replicator",
        tables=("booking_performancereplica",),
        progress=("booking_replicacheckpoint", "booking_deadletter"),
    ),
)
DATABASE = Database(alias="booking", instance="booking", apps=("booking",))
WATCHDOG = Program(
    name="watchdog", kind=Kind.TIMER, service=SERVICE.name, arguments=manage("watchdog"), keys=(*COMMON, DATABASE.url)
)
REPLICATOR = Program(
    name="replicator",
    kind=Kind.READER,
    service=SERVICE.name,
    arguments=manage("replicate"),
    keys=(*COMMON, SERVICE.replica_url, WAITING, "API_URL_SEATS"),
    yields=True,
)
PART = part(Instance(name="booking"), DATABASE, SERVICE, *of_service(SERVICE, DATABASE), WATCHDOG, REPLICATOR)
