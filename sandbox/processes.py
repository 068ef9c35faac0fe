"""THE list of everything that runs, as data. Supervisor, docker-compose.yml and the tests are all held against it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

SERVICES = ("booking", "seats", "payments", "tickets")
INSTANCES = (*SERVICES, "projections")
ALIASES = (*INSTANCES, "journal")
VIEWS = ("bookings", "seat_map", "customer_history", "sales")

# Who may log in to PostgreSQL; the superuser `postgres` sets up, and then is the control process's alone.
CONSOLES = tuple(f"{instance}_console" for instance in INSTANCES)
ROLES = (*ALIASES, *(f"{service}_relay" for service in SERVICES), *CONSOLES, "recorder", "web")

# The journal has a database of its own, but not an instance of its own.
INSTANCE_OF = {alias: "projections" if alias == "journal" else alias for alias in ALIASES}

# What an instance needs to be tailed by a relay and the recorder. A slot that nobody reads would keep its WAL for ever;
# past 2 GB it is lost, and its reader catches up in another way. A new segment of the log is not filled with zeros first: all
# who commit wait for that, some 75 ms every few seconds of a stream, until there are old segments to use again.
POSTGRES_SETTINGS = {
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_slot_wal_keep_size": "2GB",
    "wal_init_zero": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
}

BACKEND_KB = 512 * 1024
"""What one process of PostgreSQL may allocate for itself, in KiB."""

# A process may lean on those with a smaller number, so this order starts and its reverse stops. PostgreSQL stops before
# Redis, relays before PostgreSQL: a fast shutdown waits for a connected replication client (57 s were measured).
Health = Literal["postgres", "redis", "http", "heartbeat"]


class Tier(IntEnum):
    REDIS = 10
    POSTGRES = 20
    TAILS = 30
    WORKERS = 40
    FRONT = 50


@dataclass(frozen=True, kw_only=True)
class Process:
    """One program. `keys` are the names of all environment variables it is given, and it is given no others.

    `yields`: it gives way where there is not enough processor time for all. What does a saga's work does: its messages, and the
    requests to book, wait in line and are taken in larger batches then, which costs less. What people look at has no such way
    to save.
    """

    name: str
    tier: Tier
    health: Health
    service: str = ""  # the SERVICE of a Django process; "" for PostgreSQL and Redis
    arguments: tuple[str, ...] = ()  # after `python -m`; {host} and {port} are where an HTTP process listens
    keys: tuple[str, ...] = ()
    yields: bool = False

    def command(self, python: str = "python", host: str = "127.0.0.1", port: int = 0) -> list[str]:
        """argv of a Django process; PostgreSQL and Redis have theirs in postgres.py and redis_server.py."""
        return [python, *(argument.format(host=host, port=port) for argument in self.arguments)]


COMMON = ("SERVICE", "SECRET_KEY", "ALLOWED_HOSTS", "FRONT_HOST", "PUBLIC_ORIGIN", "DEBUG", "REDIS_URL")
WAITING = "LETTER_LONGEST_RETRY_S"  # for a newer version of the reader
LETTERS = ("LETTER_RETRY_S", WAITING)
API_URLS = tuple(f"API_URL_{service.upper()}" for service in SERVICES)
ADMIN_URLS = tuple(f"ADMIN_URL_{instance.upper()}" for instance in INSTANCES)
UVICORN = ("-m", "uvicorn", "config.asgi:application", "--host", "{host}", "--port", "{port}", "--no-access-log",
           "--http", "messaging.doors.sockets:BoundedHttp", "--ws", "messaging.doors.sockets:BoundedWebSocket")  # fmt: skip
# A page says nothing on its socket, so what is longer than a line is refused; compressing each frame anew for every page would
# cost more than it saves.
SOCKET = ("--ws-max-size", "4096", "--ws-per-message-deflate", "false")


def password_key(role: str) -> str:
    return f"{role.upper()}_PASSWORD"


def database_url(alias: str) -> str:
    return f"DATABASE_URL_{alias.upper()}"


def replication_url(instance: str) -> str:
    return f"REPLICATION_URL_{instance.upper()}"


def console_url(instance: str) -> str:
    return f"CONSOLE_URL_{instance.upper()}"


def celery(service: str) -> tuple[str, ...]:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")
    return (
        "-m",
        "celery",
        "-A",
        "config.celery:app",
        "worker",
        "--pool",
        "solo",
        "-Q",
        service,
        "-n",
        f"{service}@%h",
        *quiet,
    )


def _infrastructure() -> list[Process]:
    databases = [Process(name=f"postgres-{name}", tier=Tier.POSTGRES, health="postgres") for name in INSTANCES]
    return [Process(name="redis", tier=Tier.REDIS, health="redis"), *databases]


def _of_service(service: str) -> list[Process]:
    own = (*COMMON, database_url(service))
    return [
        Process(name=f"relay-{service}", tier=Tier.TAILS, health="heartbeat", service=service,
                arguments=("manage.py", "relay"), keys=(*own, replication_url(service)),
                yields=True),
        Process(name=f"worker-{service}", tier=Tier.WORKERS, health="heartbeat", service=service,
                arguments=celery(service), keys=(*own, *LETTERS, *(("HOLD_SECONDS",) if service == "seats" else ())),
                yields=True),
        Process(name=f"api-{service}", tier=Tier.FRONT, health="http", service=service,
                arguments=UVICORN, keys=(*own, "OPERATOR_TOKEN"), yields=True),
    ]  # fmt: skip


def _readers() -> list[Process]:
    booking = (*COMMON, database_url("booking"))
    projections = (*COMMON, database_url("projections"), *API_URLS)
    journal = (*COMMON, database_url("journal"), *map(replication_url, INSTANCES))
    return [
        Process(name="recorder", tier=Tier.TAILS, health="heartbeat", service="journal",
                arguments=("manage.py", "record"), keys=(*journal, "JOURNAL_KEEP_ENTRIES", "JOURNAL_KEEP_BYTES")),
        Process(name="api-journal", tier=Tier.FRONT, health="http", service="journal",
                arguments=UVICORN, keys=(*COMMON, database_url("journal"), "OPERATOR_TOKEN", "VISITOR_RUN_S")),
        Process(name="watchdog", tier=Tier.WORKERS, health="heartbeat", service="booking",
                arguments=("manage.py", "watchdog"), keys=booking),
        Process(name="sweeper-seats", tier=Tier.WORKERS, health="heartbeat", service="seats",
                arguments=("manage.py", "sweep"), keys=(*COMMON, database_url("seats"))),
        Process(name="replicator", tier=Tier.WORKERS, health="heartbeat", service="booking",
                arguments=("manage.py", "replicate"), keys=(*booking, WAITING, "API_URL_SEATS"), yields=True),
        *(Process(name=f"projector-{view.replace('_', '-')}", tier=Tier.WORKERS, health="heartbeat",
                  service="projections", arguments=("manage.py", "project", view), keys=(*projections, WAITING),
                  yields=True)
          for view in VIEWS),
        Process(name="web", tier=Tier.FRONT, health="http", service="web", arguments=(*UVICORN, *SOCKET),
                keys=(*projections, database_url("journal"), *map(console_url, INSTANCES), "API_URL_CONTROL", "API_URL_JOURNAL",
                      "OPERATOR_TOKEN", "PORT", "STATIC_ROOT", "FORWARDED_ALLOW_IPS")),
    ]  # fmt: skip


# Owns the fault plan and takes servers down on purpose: of all that keeps running, it alone is given the superuser.
CONTROL = Process(
    name="control",
    tier=Tier.TAILS,  # ends before PostgreSQL does, so that no database is left closed
    health="http",
    service="control",
    arguments=("manage.py", "control", "--host", "{host}", "--port", "{port}"),
    keys=(*COMMON, *ADMIN_URLS, *map(replication_url, INSTANCES), "OPERATOR_TOKEN", "CONTROL_STATE", "API_URL_WEB"),
)


PROCESSES: tuple[Process, ...] = tuple(
    sorted(
        [
            *_infrastructure(),
            *(process for service in SERVICES for process in _of_service(service)),
            *_readers(),
            CONTROL,
        ],
        key=lambda process: process.tier,
    )
)

# Sets everything up and ends: `init` in docker-compose.yml, a child of `manage.py sandbox up` in the sandbox. It alone
# is given everybody's password, in order to hand them out.
INIT = Process(
    name="init",
    tier=Tier.TAILS,
    health="heartbeat",
    service="control",
    arguments=("manage.py", "sandbox", "provision"),
    keys=(
        *COMMON,
        *map(database_url, ALIASES),
        *ADMIN_URLS,
        *map(password_key, ROLES),
    ),
)
BY_NAME = {process.name: process for process in PROCESSES}
DJANGO = tuple(process for process in PROCESSES if process.service)


def keys_of_service(service: str) -> tuple[str, ...]:
    """All that any process of a service is given: what a person's shell needs to run that service's commands."""
    keys = [key for process in DJANGO if process.service == service for key in process.keys]
    return tuple(dict.fromkeys(keys))
