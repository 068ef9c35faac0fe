"""The named fault points: where a booking can be broken on purpose. One call site each.

The idea of named constants with one call site each comes from DBOS. The boundaries are those of a local transaction, of
a message's path, and of a process. `catalogue.py` describes each in a sentence.
"""

from enum import StrEnum

from topology.chosen import HOUSE
from topology.parts import Kind


class Point(StrEnum):
    """A boundary at which a fault may strike."""

    TRANSACTION_BEFORE = "transaction.before"
    TRANSACTION_INSIDE = "transaction.inside"
    TRANSACTION_COMMITTED = "transaction.committed"
    ANSWER = "answer"
    ORCHESTRATOR_BEFORE = "orchestrator.before"
    ORCHESTRATOR_AFTER = "orchestrator.after"
    RELAY_BEFORE_PUBLISH = "relay.before_publish"
    RELAY_AFTER_PUBLISH = "relay.after_publish"
    BUS = "bus"
    PROJECTOR_BEFORE = "projector.before"
    PROJECTOR_COMMITTED = "projector.committed"
    API = "api"
    DATABASE = "database"
    PROCESS = "process"
    REDIS = "redis"


class Action(StrEnum):
    """What a fault does when it strikes."""

    ERROR = "error"  # an exception: the local transaction rolls back
    REFUSE = "refuse"  # the participant refuses
    DELAY = "delay"  # resumes after `seconds`
    HOLD = "hold"  # a breakpoint: waits until a person resumes it
    HANG = "hang"  # the whole process stops, without a heartbeat; nobody can resume it
    CRASH = "crash"  # the process gets SIGKILL
    DROP = "drop"  # the message is lost on its way
    DUPLICATE = "duplicate"  # the message is sent twice
    REORDER = "reorder"  # the message is overtaken by the next one
    PAUSE = "pause"  # waits for as long as the fault is armed
    DOWN = "down"  # refuses all clients


_STANDING = {Action.DELAY, Action.HOLD, Action.HANG}
_BEFORE_COMMIT = {Action.ERROR, Action.CRASH} | _STANDING
ALLOWED: dict[Point, set[Action]] = {
    Point.TRANSACTION_BEFORE: _BEFORE_COMMIT,
    Point.TRANSACTION_INSIDE: _BEFORE_COMMIT,
    Point.TRANSACTION_COMMITTED: {Action.CRASH} | _STANDING,
    Point.ANSWER: {Action.REFUSE},
    Point.ORCHESTRATOR_BEFORE: _BEFORE_COMMIT,
    Point.ORCHESTRATOR_AFTER: _BEFORE_COMMIT,
    Point.RELAY_BEFORE_PUBLISH: {Action.CRASH, Action.DROP, Action.DUPLICATE} | _STANDING,
    Point.RELAY_AFTER_PUBLISH: {Action.CRASH} | _STANDING,
    Point.BUS: {Action.DROP, Action.DUPLICATE, Action.DELAY, Action.REORDER},
    Point.PROJECTOR_BEFORE: {Action.PAUSE, Action.CRASH} | _STANDING,
    Point.PROJECTOR_COMMITTED: {Action.CRASH} | _STANDING,
    Point.API: {Action.DOWN, Action.DELAY},
    Point.DATABASE: {Action.DOWN, Action.DELAY},
    Point.PROCESS: {Action.CRASH},
    Point.REDIS: {Action.DOWN},
}
"""Which actions make sense at which point; any other is refused when the fault is created."""

IN_A_TRANSACTION = frozenset(
    {
        Point.TRANSACTION_BEFORE,
        Point.TRANSACTION_INSIDE,
        Point.TRANSACTION_COMMITTED,
        Point.ANSWER,
        Point.ORCHESTRATOR_BEFORE,
        Point.ORCHESTRATOR_AFTER,
        Point.DATABASE,
    }
)
"""The points that a worker passes with each message: a message that one of these faults may strike runs alone."""

BY_CONTROL = frozenset({(Point.DATABASE, Action.DOWN), (Point.REDIS, Action.DOWN)})
"""Carried out by the control process, which alone may; no service checks these."""

SERVICES = tuple(service.name for service in HOUSE.services)
PARTICIPANTS = tuple(service.name for service in HOUSE.participants)
PROJECTORS = tuple(program.name for program in HOUSE.programs_of(Kind.PROJECTOR))
REPLICATORS = tuple(program.name for program in HOUSE.programs_of(Kind.READER) if program.on_demand)
"""Not those that always run: a fault for any projector would take a booking's performance away instead of a view's row."""
VIEWS = tuple(service.name for service in HOUSE.views)
_LISTED = (
    Kind.WORKER,
    Kind.RELAY,
    Kind.PROJECTOR,
    Kind.RECORDER,
    Kind.TIMER,
    Kind.READER,
    Kind.API,
    Kind.PAGES,
    Kind.CONTROL,
    Kind.AUDITOR,
)
PROCESSES = tuple(program.name for kind in _LISTED for program in HOUSE.programs_of(kind) if not program.on_demand)
"""The processes that can be killed at `process`: each checks the plan whenever it sends its heartbeat. One that is started on
demand is not among them: a fault there would wait until somebody starts it.
"""

SANDBOX = tuple(program.name for program in HOUSE.django if program.service not in HOUSE.titles)
"""The sandbox's own programs, which belong to no service and no saga: without them nobody can see or clear a fault."""

AT: dict[Point, tuple[str, ...]] = {
    Point.TRANSACTION_BEFORE: SERVICES,
    Point.TRANSACTION_INSIDE: SERVICES,
    Point.TRANSACTION_COMMITTED: SERVICES,
    Point.ANSWER: PARTICIPANTS,
    Point.ORCHESTRATOR_BEFORE: (HOUSE.orchestrator.name,),
    Point.ORCHESTRATOR_AFTER: (HOUSE.orchestrator.name,),
    Point.RELAY_BEFORE_PUBLISH: SERVICES,
    Point.RELAY_AFTER_PUBLISH: SERVICES,
    Point.BUS: SERVICES,
    Point.PROJECTOR_BEFORE: (*VIEWS, *PROJECTORS, *REPLICATORS),
    Point.PROJECTOR_COMMITTED: (*VIEWS, *PROJECTORS, *REPLICATORS),
    Point.API: SERVICES,
    Point.DATABASE: tuple(
        service.name
        for service in HOUSE.every_service
        if service.database and HOUSE.database(service.database).journaled
    ),
    Point.PROCESS: PROCESSES,
    Point.REDIS: ("redis",),
}
"""What a fault's `service` may name at each point. At the relay and on the bus it is the sender of the message."""


class Mechanism(StrEnum):
    """A safety mechanism that can be switched off to show what it prevents (tests use this as a control)."""

    sentence: str

    BARRIER = "barrier", "Each command acts once, however often it arrives."
    CONDITIONAL_SEAT_WRITE = (
        "conditional_seat_write", "A seat is reserved only if it is still available at the moment of writing."
    )  # fmt: skip
    SEQUENCE_CHECK = "sequence_check", "A projector applies an event only if it is newer than the row."
    OUTBOX = "outbox", "Messages are written in the local transaction that they describe."
    IDEMPOTENCY_KEY = "idempotency_key", "A request that is sent twice places one booking."

    def __new__(cls, name: str, sentence: str = "") -> "Mechanism":
        member = str.__new__(cls, name)
        member._value_, member.sentence = name, sentence
        return member

    @property
    def label(self) -> str:
        """As pages call it."""
        return self.value.replace("_", " ").capitalize()
