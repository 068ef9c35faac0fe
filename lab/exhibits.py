"""THE list of the exhibits, as data: the index page, the addresses, the commands and the tests are made of it.

It names what can be opened, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.guide import Step
from lab.reads import guide
from lab.reads.replicas.guide import REPLICAS as REPLICAS_GUIDE
from lab.reads.replicas.topology import RIG as COPIES
from lab.reads.topology import RIG as READS


@dataclass(frozen=True, kw_only=True)
class Way:
    """One of the alternatives that an exhibit compares. `down`: what becomes of it when a service is down; `choose`: when
    to choose it."""

    name: str
    title: str
    sentence: str
    down: str
    price: str
    choose: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A figure that each way has, by the name of the figure."""

    name: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A page of the lab. `number`: its place in the textbooks' order; `group`: the table of the comparison that its ways are in.

    `code` and `tests`: paths of files. `rig`: by name; see topology.parts.Rig.
    """

    name: str
    number: int
    title: str
    group: str
    sentence: str
    rig: str
    ways: Sequence[Way]
    columns: Sequence[Column]
    code: Sequence[str]
    tests: Sequence[str]
    guide: Sequence[Step]

    def way(self, name: str) -> Way | None:
        return next((way for way in self.ways if way.name == name), None)


GROUPS: Mapping[str, str] = {"read": "How a question is read"}
"""Group -> the heading of its table."""

COMPOSITION = Exhibit(
    name="composition",
    number=2,
    title="API composition",
    group="read",
    sentence="One process asks the services that own the parts of an answer, and puts the parts together. It has no database. "
    "Its answer is as fresh as its parts, and as slow as all the calls that wait for each other.",
    rig=READS.name,
    ways=(
        Way(
            name="sequential",
            title="One by one",
            sentence="four calls for each booking, each after the one before",
            down="says what is missing, or fails",
            price="latency adds up; one question becomes 1 + 4n calls",
            choose="a few rows, seldom asked",
        ),
        Way(
            name="parallel",
            title="In parallel",
            sentence="the same calls, all at once",
            down="says what is missing, or fails",
            price="the same 1 + 4n calls, in one burst on every service",
            choose="one row with parts that do not need each other",
        ),
        Way(
            name="batch",
            title="In batch",
            sentence="one call to each owner, for all bookings together",
            down="says what is missing, or fails",
            price="each owner has to offer a question about many",
            choose="lists that must be fresh",
        ),
    ),
    columns=(
        Column(name="calls_10", title="calls, 10 bookings"),
        Column(name="p50_1", title="1 booking, p50"),
        Column(name="p50_10", title="10 bookings, p50"),
        Column(name="p50_50", title="50 bookings, p50"),
        Column(name="network_10", title="10, with 40 ms a call"),
        Column(name="p95_20", title="1 at 20/s, p95"),
    ),
    code=("lab/reads/composition.py", "lab/reads/api.py", "serving/several.py"),
    tests=("tests/lab/reads/test_composition.py", "tests/lab/reads/test_asking.py"),
    guide=guide.COMPOSITION,
)

REPLICAS = Exhibit(
    name="replicas",
    number=3,
    title="Data replication by events",
    group="read",
    sentence="Ticket keeps copies of customers and seats, fed by their owners' events. The list at the door is one query in "
    "its own database. It needs no other service to be up, and a copy may be a moment behind.",
    rig=COPIES.name,
    ways=(
        Way(
            name="replica",
            title="From a copy",
            sentence="one query, in tables that the owners' events keep up to date",
            down="answers as before",
            price="rows that are stored twice, and may be a moment old",
            choose="what must answer when its owner is down",
        ),
    ),
    columns=(
        *COMPOSITION.columns,
        Column(name="fresh_50", title="new name seen after, p50"),
        Column(name="rebuilt_s", title="rebuilt, events/s"),
        Column(name="copy_kb", title="size of the copies"),
    ),
    code=("tickets/replicas.py", "tickets/door.py", "tickets/references.py", "control/setup/closing.py"),
    tests=("tests/tickets/test_replicas.py", "tests/tickets/test_door.py", "tests/control/test_closing.py"),
    guide=REPLICAS_GUIDE,
)

EXHIBITS: Mapping[str, Exhibit] = {one.name: one for one in (COMPOSITION, REPLICAS)}
