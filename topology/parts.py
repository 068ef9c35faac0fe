"""The parts of a house. Frozen values; the comment of a name describes its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

Health = Literal["postgres", "redis", "http", "heartbeat"]
RECORDER = "recorder"  # the role that reads the log of each journaled database


class TopologyError(ValueError):
    """The parts of a house contradict each other. The text names the part and says what to declare."""


class Tier(IntEnum):
    """A program may depend on those of a smaller tier: they start in this order, and stop in reverse.

    PostgreSQL stops before Redis, relays before PostgreSQL: a fast shutdown waits for a connected replication client (57 s were
    measured).
    """

    REDIS = 10
    POSTGRES = 20
    TAILS = 30
    WORKERS = 40
    FRONT = 50


class Kind(IntEnum):
    """What sort of program one is, in the order in which programs are listed and, within a tier, started."""

    REDIS = 1
    POSTGRES = 2
    SET_UP = 3  # sets everything up, and ends
    RELAY = 4  # reads a service's log, publishes its outbox
    RECORDER = 5  # reads all logs
    CONTROL = 6  # ends before PostgreSQL does, so that no database is left closed
    WORKER = 7  # takes a service's messages
    TIMER = 8  # acts by the clock
    READER = 9  # follows events for a service
    PROJECTOR = 10  # follows events for a view
    API = 11
    AUDITOR = 12  # judges what the APIs say
    PAGES = 13


_TIERS = {
    Kind.REDIS: Tier.REDIS,
    Kind.POSTGRES: Tier.POSTGRES,
    **dict.fromkeys((Kind.SET_UP, Kind.RELAY, Kind.RECORDER, Kind.CONTROL), Tier.TAILS),
    **dict.fromkeys((Kind.WORKER, Kind.TIMER, Kind.READER, Kind.PROJECTOR), Tier.WORKERS),
    **dict.fromkeys((Kind.API, Kind.AUDITOR, Kind.PAGES), Tier.FRONT),
}
_HEALTH: dict[Kind, Health] = {
    Kind.REDIS: "redis",
    Kind.POSTGRES: "postgres",
    **dict.fromkeys((Kind.CONTROL, Kind.API, Kind.AUDITOR, Kind.PAGES), "http"),
}


def _default(one: object, **values: str) -> None:
    """Fill in the names of a frozen value that were left out."""
    for name, value in values.items():
        if not getattr(one, name):
            object.__setattr__(one, name, value)


def postgres(instance: str) -> str:
    """The name of the program that runs this instance of PostgreSQL."""
    return f"postgres-{instance}"


def admin_key(instance: str) -> str:
    """The environment variable with the superuser's address."""
    return f"ADMIN_URL_{instance.upper()}"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A PostgreSQL server, and so a write-ahead log of its own.

    `on_demand`: it does not start with the sandbox, nor do the programs of services with tables in it (see Program).
    """

    name: str
    on_demand: bool = False

    @property
    def admin_url(self) -> str:
        """The environment variable with the superuser's address."""
        return admin_key(self.name)


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database on an instance, which Django knows by its alias; `apps` are the Django apps whose tables are in it.

    `readers` are roles that may SELECT from all its tables; `settings` hold in each session of its owner. The recorder tails a
    `journaled` database, and people may look into it from the page's console.
    """

    alias: str
    instance: str
    apps: tuple[str, ...]
    name: str = ""  # the alias
    owner: str = ""  # the role: the alias
    slot: str = "recorder"  # of the recorder, unique on the instance
    readers: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    journaled: bool = True

    def __post_init__(self) -> None:
        _default(self, name=self.alias, owner=self.alias)

    @property
    def url(self) -> str:
        """The environment variable with the address of a role that uses its tables."""
        return f"DATABASE_URL_{self.alias.upper()}"

    @property
    def replication_url(self) -> str:
        """The environment variable with the address of a role that reads its log."""
        return f"REPLICATION_URL_{self.alias.upper()}"

    @property
    def console(self) -> str:
        """The role for SQL typed on the page; "" if that is not possible."""
        return f"{self.alias}_console" if self.journaled else ""

    @property
    def console_url(self) -> str:
        return f"CONSOLE_URL_{self.alias.upper()}"


@dataclass(frozen=True, kw_only=True)
class Replicas:
    """`tables` in which a service keeps copies of other services' rows, by their events. PostgreSQL lets only `role` write them:
    the owner of these tables may read. `progress` are tables that both write: the reader's cursors, and what it skipped.
    `module` has their REPLICATION (see messaging/events/replication.py).
    """

    module: str
    role: str
    tables: tuple[str, ...]
    progress: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Service:
    """A part of the system with tables of its own. Pages show it by `title` and `letter`, if it has a title.

    `contract` is the module of the messages that cross its boundary; a service that has one has an outbox, a relay, a queue and a
    stream. `orchestrates`: it runs the sagas that the module `sagas` defines; the others with a contract take part in them.
    `requests` is the module of the bodies that its API takes. One without a database only asks others, and has no contract.
    """

    name: str
    database: str = ""  # an alias
    title: str = ""
    letter: str = ""  # the title's first
    contract: str = ""
    requests: str = ""
    orchestrates: bool = False
    sagas: str = ""
    api: bool = True
    statement_s: float = 3.0  # how long its API waits for one statement: for a frozen PostgreSQL
    module: str = ""  # the room's package: the name
    app: str = ""  # the Django app of its tables: the name
    queue: str = ""  # of commands and replies to it: the name
    stream: str = ""  # of its events: events.<name>
    relay: str = ""  # the role that reads its outbox in the log: <name>_relay
    slot: str = "relay"  # of its relay, unique on the instance
    publication: str = "outbox"  # of its outbox, unique in the database
    # What the journal, an auditor and pages have to know of its tables:
    # table -> column of a booking's id, if not booking_id
    booking_columns: Mapping[str, str] = field(default_factory=dict)
    truth: Mapping[str, str] = field(default_factory=dict)  # kind of row in its truth -> the table it comes from
    bookkeeping: tuple[str, ...] = ()  # tables with internal bookkeeping
    shown: str = ""  # the module of what pages show of it; see topology/shown.py
    followed: tuple[str, ...] = ()  # tables whose every row a live page keeps up to date
    private: tuple[
        str, ...
    ] = ()  # tables in no publication, which only the owner may read: no log, no console has their rows
    replicas: Replicas | None = None

    def __post_init__(self) -> None:
        _default(self, letter=self.title[:1], module=self.name, app=self.name)
        _default(self, queue=self.name, stream=f"events.{self.name}", relay=f"{self.name}_relay")

    @property
    def api_url(self) -> str:
        """The environment variable with the address of its API."""
        return f"API_URL_{self.name.upper()}"

    @property
    def replica_url(self) -> str:
        """The environment variable with the address of the role that writes its replicas."""
        return f"REPLICA_URL_{self.name.upper()}"

    @property
    def outbox(self) -> str:
        """The table."""
        return f"{self.app}_outbox"


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process. `keys` are the names of all environment variables it is given, and it is given no others.

    `KEY_*` stands for that key of everything the house has (see House.keys). `yields`: it has lower priority if there
    is not enough processor time for all. Programs that only show what sagas have done yield: projectors, the recorder, the
    journal's API, the auditor. What waits for them is taken in larger batches, which is cheaper.

    `on_demand`: it does not start with the sandbox; the control process starts and stops it. A program of a service whose
    database is on an instance on demand is on demand itself (see House).
    """

    name: str
    kind: Kind
    service: str = ""  # the SERVICE of a Django process; "" for PostgreSQL and Redis
    arguments: tuple[str, ...] = ()  # after `python`; {host} and {port} are where an HTTP process listens
    keys: tuple[str, ...] = ()
    yields: bool = False
    on_demand: bool = False

    @property
    def tier(self) -> Tier:
        return _TIERS[self.kind]

    @property
    def instance(self) -> str:
        """The instance that a program of PostgreSQL runs; "" of any other."""
        return self.name.removeprefix(postgres("")) if self.kind == Kind.POSTGRES else ""

    @property
    def ends(self) -> bool:
        """It does its work once, and is not started again when it has ended."""
        return self.kind == Kind.SET_UP

    @property
    def listens(self) -> bool:
        """It has a TCP port."""
        return self.health != "heartbeat" and not self.ends

    @property
    def health(self) -> Health:
        """How to ask whether it works; see control/health.py."""
        return _HEALTH.get(self.kind, "heartbeat")

    def command(self, python: str = "python", host: str = "127.0.0.1", port: int = 0) -> list[str]:
        """argv of a Django process. Those of PostgreSQL and Redis are in sandbox/machine/."""
        return [python, *(argument.format(host=host, port=port) for argument in self.arguments)]


@dataclass(frozen=True, kw_only=True)
class Rig:
    """What an exhibit of the lab needs besides the sandbox: `programs` on demand, by name, opened and closed together.

    Programs of PostgreSQL are among them where the exhibit has instances of its own.
    """

    name: str
    programs: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """What one room adds to the house."""

    instances: tuple[Instance, ...] = ()
    databases: tuple[Database, ...] = ()
    services: tuple[Service, ...] = ()
    programs: tuple[Program, ...] = ()
    rigs: tuple[Rig, ...] = ()


def part(*things: Instance | Database | Service | Program | Rig) -> Part:
    """Sort a room's declarations by what they are. Raises TopologyError for anything else."""
    kinds = (Instance, Database, Service, Program, Rig)
    for thing in things:
        if not isinstance(thing, kinds):
            raise TopologyError(f"{thing!r} is neither an Instance, a Database, a Service, a Program nor a Rig")
    return Part(*(tuple(one for one in things if isinstance(one, kind)) for kind in kinds))  # type: ignore[arg-type]
