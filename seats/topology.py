"""Seat's part of the house. Its sweeper reports holds that have expired."""

from topology.parts import Database, Instance, Kind, Program, Service, part
from topology.programs import COMMON, manage, of_service

SERVICE = Service(
    name="seats",
    title="Seat",
    database="seats",
    contract="seats.contract",
    shown="seats.shown",
    requests="seats.schemas",
    booking_columns={"seats_hold": "id"},
    truth={"seat": "seats_seat", "hold": "seats_hold"},
)
DATABASE = Database(alias="seats", instance="seats", apps=("seats",))
SWEEPER = Program(
    name="sweeper-seats", kind=Kind.TIMER, service=SERVICE.name, arguments=manage("sweep"), keys=(*COMMON, DATABASE.url)
)
PART = part(Instance(name="seats"), DATABASE, SERVICE, *of_service(SERVICE, DATABASE, "HOLD_SECONDS"), SWEEPER)
