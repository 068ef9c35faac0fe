"""The read models' part of the house: a projector for each view. The web process and the auditor may read their
tables."""

from topology.parts import Database, Instance, Kind, Program, Service, part
from topology.programs import COMMON, WAITING, manage

VIEWS = ("bookings", "seat_map", "customer_history", "sales")


def projector_of(view: str) -> str:
    """The name of the process that keeps the view up to date."""
    return f"projector-{view.replace('_', '-')}"


SERVICE = Service(
    name="projections",
    title="Views",
    database="projections",
    api=False,
    shown="projections.shown",
    booking_columns=dict.fromkeys(
        ("projections_bookingview", "projections_historybooking", "projections_salesbooking"), "id"
    ),
    bookkeeping=("projections_checkpoint",),
    followed=("projections_seatmap", "projections_checkpoint"),
)
DATABASE = Database(alias="projections", instance="projections", apps=("projections",), readers=("web", "auditor"))
PART = part(
    Instance(name="projections"),
    DATABASE,
    SERVICE,
    *(
        Program(
            name=projector_of(view),
            kind=Kind.PROJECTOR,
            service=SERVICE.name,
            arguments=manage("project", view),
            keys=(*COMMON, DATABASE.url, "API_URL_*", WAITING),
            yields=True,
        )
        for view in VIEWS
    ),
)
