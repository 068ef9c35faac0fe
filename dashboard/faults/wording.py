"""A fault as one sentence: "When Payment has committed TakePayment, crash, once, for my next booking". Its words, what to
expect of it, what is dangerous about it, and examples. Pure."""

from dataclasses import dataclass
from urllib.parse import urlencode

from faults import OWN, SANDBOX, Action, Kind, Point
from faults.messages import taker
from topology.chosen import HOUSE
from topology.parts import Kind as Program

POINT_WORDS = {
    Point.TRANSACTION_BEFORE: "has received",
    Point.TRANSACTION_INSIDE: "has written, not committed,",
    Point.TRANSACTION_COMMITTED: "has committed",
    Point.ANSWER: "is about to answer",
    Point.ORCHESTRATOR_BEFORE: "has received, not decided on,",
    Point.ORCHESTRATOR_AFTER: "has decided on, not committed,",
    Point.RELAY_BEFORE_PUBLISH: "is about to publish",
    Point.RELAY_AFTER_PUBLISH: "has published, unconfirmed,",
    Point.BUS: "has put on the bus",
    Point.PROJECTOR_BEFORE: "has read, not written,",
    Point.PROJECTOR_COMMITTED: "has written to its view",
    Point.API: "gets a request to its API,",
    Point.DATABASE: "uses its database for",
    Point.PROCESS: "runs",
    Point.REDIS: "runs",
}
ACTION_WORDS = {
    Action.ERROR: "fail",
    Action.REFUSE: "refuse",
    Action.DELAY: "wait",
    Action.HOLD: "hold it",
    Action.HANG: "hang",
    Action.CRASH: "crash",
    Action.DROP: "lose it",
    Action.DUPLICATE: "send it twice",
    Action.REORDER: "send it late, after the next",
    Action.PAUSE: "stand still",
    Action.DOWN: "be down",
}
_UNDONE = "Nothing of it commits. The message is delivered again, and acts once."
_STAYS = (
    "What has committed stays. The message is delivered again; the barrier finds its key and gives the stored answer."
)
_AGAIN = "No answer comes in time, so the orchestrator has it sent again; the barrier sees to it that it acts once."
_COMMITTED = (Point.TRANSACTION_COMMITTED, Point.RELAY_AFTER_PUBLISH, Point.PROJECTOR_COMMITTED)
_EXPECT = {
    Action.ERROR: _UNDONE,
    Action.REFUSE: "The participant says no: the saga undoes its earlier steps with new transactions. A step that has to "
    "succeed is tried again.",
    Action.DELAY: "It comes late. After the orchestrator's patience it is sent again, and acts once.",
    Action.HOLD: "It stands still here, and the saga's timers with it, until somebody presses Resume; two minutes at most.",
    Action.HANG: "The process stands still and gives no sign. " + _AGAIN,
    Action.CRASH: "The process is killed and started again. " + _UNDONE,
    Action.DROP: _AGAIN,
    Action.DUPLICATE: "It arrives twice; the barrier absorbs the second.",
    Action.REORDER: "The next one overtakes it. A view skips what is older than its row.",
    Action.PAUSE: "The view stands still and is out of date, and no booking waits for it. It catches up once this is cleared.",
    Action.DOWN: "Requests are refused meanwhile; bookings wait, and continue once it is back.",
}


def expect(point: Point, action: Action) -> str:
    """What to expect, in a sentence or two."""
    if action == Action.CRASH and point == Point.PROCESS:
        return "The process is killed and started again; what it was about to do waits."
    if action == Action.CRASH and point in _COMMITTED:
        return "The process is killed and started again. " + _STAYS
    if point == Point.REDIS:
        return "Redis comes back without its unsaved data; the relays send from their logs what was lost."
    return _EXPECT[action]


def danger(point: Point, action: Action, place: str, scope: str, kind: str) -> str:
    """What it does to everybody, in a few words: such a fault is asked for twice. "" for one that strikes one booking, or
    bookings a few times."""
    if place in SANDBOX:
        return f"{place} stops for everybody"
    if point == Point.REDIS:
        return "Redis loses its data, for everybody"
    if action == Action.DOWN:
        return "everybody's bookings wait"
    if point == Point.PROCESS:
        return f"{place} is killed for everybody"
    if kind in (Kind.ALWAYS, Kind.PROBABILITY) and scope in ("any", "new") and action in (Action.CRASH, Action.HANG):
        return "everybody's bookings, until cleared"
    return ""


def matrix_cell(point: str, action: str, message: str) -> str:
    """The address of the failpoint matrix's cell; of the matrix if no message is chosen."""
    return f"/matrix#{cell_id(message, point, action)}" if message else "/matrix"


def cell_id(message: str, point: str, action: str) -> str:
    return f"{message}-{point}-{action}"


@dataclass(frozen=True)
class Example:
    """A ready sentence. `asked`: the fields of the form that it fills in."""

    title: str
    asked: dict[str, str]

    @property
    def query(self) -> str:
        return urlencode(self.asked)


def _examples() -> list[Example]:
    pays, command = taker("TakePayment"), "TakePayment"
    view, projector = next(
        (program.service, program.name) for program in HOUSE.programs_of(Program.PROJECTOR) if "seat" in program.name
    )
    found = {
        "zombie": (pays, Point.TRANSACTION_INSIDE, Action.HANG, command, {}),
        "duplicate": (HOUSE.orchestrator.name, Point.BUS, Action.DUPLICATE, command, {}),
        "late answer": (pays, Point.BUS, Action.DELAY, f"{command}Reply", {"seconds": "5"}),
        "view stands still": (view, Point.PROJECTOR_BEFORE, Action.PAUSE, "", {"place": projector, "for": "any"}),
    }
    return [
        Example(title, {"service": service, "point": point, "action": action, "message": message, **more})
        for title, (service, point, action, message, more) in found.items()
    ]


EXAMPLES = _examples()


def examples(own: bool) -> list[Example]:
    """`own`: only those that a visitor may arm."""
    return [one for one in EXAMPLES if not own or one.asked["action"] in OWN.get(Point(one.asked["point"]), ())]
