"""The cells: rows from the sagas' definitions, columns from the table of fault points."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from booking.saga.book_tickets import BOOK_TICKETS
from booking.saga.cancel_booking import CANCEL_BOOKING
from booking.saga.definition import Kind, SagaDefinition
from faults import ALLOWED, AT, Action, Point
from faults.points import IN_A_TRANSACTION, PROCESSES
from messaging.process.on_demand import NAMES
from topology.chosen import HOUSE

FORWARD, COMPENSATION, FENCE, CANCELLATION = "forward", "compensation", "fence", "cancellation"
START, EVENT, SYSTEM = "start", "event", "system"
CANCEL = "cancel"  # not a fault: the customer cancels while the message is held
RELAY = (Point.RELAY_BEFORE_PUBLISH, Point.RELAY_AFTER_PUBLISH)
ORCHESTRATOR = (Point.ORCHESTRATOR_BEFORE, Point.ORCHESTRATOR_AFTER)
OF_A_MESSAGE = (*RELAY, Point.BUS)
TRANSACTION = tuple(point for point in Point if point in IN_A_TRANSACTION and point not in ORCHESTRATOR)
PROJECTOR = (Point.PROJECTOR_BEFORE, Point.PROJECTOR_COMMITTED)
EVENTS = (
    ("BookingConfirmed", "booking", "projector-bookings"),
    ("SeatsSold", "seats", "projector-seat-map"),
    ("TicketsIssued", "tickets", "projector-customer-history"),
    ("PaymentCompleted", "payments", "projector-sales"),
)
"""One event of each service, and the projector that is struck with it: each view's once."""
ALONE = (Action.CRASH, Action.HANG, Action.PAUSE, Action.DOWN)  # these disturb other bookings that are under way


@dataclass(frozen=True, kw_only=True)
class Row:
    """A message that is disturbed on its way. `saga`, `step`, `kind`: of the step it belongs to, "" for what belongs to
    none."""

    way: str
    command: str
    service: str
    saga: str = ""
    step: str = ""
    kind: str = ""

    @property
    def name(self) -> str:
        return f"{self.way}: {self.command}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One booking. `on`: whether the fault strikes the command (or event), the reply, or a whole process or server."""

    row: Row
    point: str
    action: str
    on: str = "command"
    at: str = field(default="")  # the service, or process, whose point it is

    @property
    def message(self) -> str:
        return f"{self.row.command}Reply" if self.on == "reply" else self.row.command

    @property
    def column(self) -> str:
        reply = "reply " if self.on == "reply" else ""
        return f"{reply}{self.point} {self.action}"

    @property
    def alone(self) -> bool:
        return self.action in ALONE or self.row.way == SYSTEM


def rows() -> list[Row]:
    """Every command of both sagas, forward and back, and what belongs to no step."""
    found = [Row(way=START, command="BookTickets", service="booking")]
    for definition, way in ((BOOK_TICKETS, FORWARD), (CANCEL_BOOKING, CANCELLATION)):
        found += _of(definition, way)
    return found + [Row(way=EVENT, command=event, service=service) for event, service, _ in EVENTS]


def _of(definition: SagaDefinition, way: str) -> Iterator[Row]:
    for step in definition.steps:
        common = {"service": step.service, "saga": definition.name, "step": step.name, "kind": step.kind}
        yield Row(way=way, command=step.forward.type(), **common)
        if step.compensation:
            yield Row(way=COMPENSATION, command=step.compensation.type(), **common)
        if step.fence:
            yield Row(way=FENCE, command=step.fence.type(), **common)


def cells() -> list[Cell]:
    found = [cell for row in rows() for cell in _cells(row)]
    return found + list(_system())


def _cells(row: Row) -> Iterator[Cell]:
    if row.way == EVENT:
        projector = next(projector for event, _, projector in EVENTS if event == row.command)
        yield from _at(row, OF_A_MESSAGE, row.service)
        yield from _at(row, PROJECTOR, projector)
        return
    yield from _at(row, OF_A_MESSAGE, "booking")
    yield from _at(
        row, [point for point in TRANSACTION if not (point == Point.ANSWER and _asks_only(row))], row.service
    )
    if row.way == START:
        yield from _at(row, ORCHESTRATOR, "booking")
    else:
        yield from _at(row, OF_A_MESSAGE, row.service, on="reply")
        yield from _at(row, ORCHESTRATOR, "booking", on="reply")
        yield Cell(row=row, point=Point.RELAY_BEFORE_PUBLISH, action=CANCEL, at=row.service, on="reply")
    yield Cell(row=row, point=Point.RELAY_BEFORE_PUBLISH, action=CANCEL, at="booking")


def _asks_only(row: Row) -> bool:
    """A fence has nothing to refuse, and Booking is no participant."""
    return row.way in (START, FENCE)


def _at(row: Row, points: "tuple[Point, ...] | list[Point]", service: str, on: str = "command") -> Iterator[Cell]:
    for point in points:
        for action in sorted(ALLOWED[point]):
            if (point, action) != (Point.DATABASE, Action.DOWN):  # a whole server: below
                yield Cell(row=row, point=point, action=action, at=service, on=on)


def _system() -> Iterator[Cell]:
    """Faults that affect everybody: each process, each service's API and database, Redis. Nothing on demand: it may be off."""
    for name in PROCESSES:
        if name not in NAMES:
            yield _whole(name, Point.PROCESS, Action.CRASH)
    for name in [service for service in AT[Point.API] if f"api-{service}" not in NAMES]:
        yield _whole(name, Point.API, Action.DOWN)
        yield _whole(name, Point.API, Action.DELAY)
    for name in [service for service in AT[Point.DATABASE] if f"postgres-{HOUSE.instance_of[service]}" not in NAMES]:
        yield _whole(name, Point.DATABASE, Action.DOWN)
    yield _whole("redis", Point.REDIS, Action.DOWN)


def _whole(name: str, point: Point, action: Action) -> Cell:
    return Cell(row=Row(way=SYSTEM, command=name, service=name), point=point, action=action, on="server", at=name)


QUICK = (Action.REFUSE, Action.DUPLICATE, Action.ERROR, Action.DELAY, Action.PAUSE, Action.CRASH, Action.DOWN)


def one_for_each_point(found: list[Cell]) -> list[Cell]:
    """A quick cell for each fault point, and one cancellation: for the suite."""
    chosen: dict[str, Cell] = {}
    for action in QUICK:
        for cell in found:
            if cell.action == action and cell.row.way in (FORWARD, EVENT, SYSTEM):
                chosen.setdefault(cell.point, cell)
    cancel = next(cell for cell in found if cell.action == CANCEL and cell.row.kind == Kind.PIVOT)
    return [*chosen.values(), cancel]
