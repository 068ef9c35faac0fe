"""The programs that run, and what they are started with: those of every service, and those that belong to no room."""

import os

from topology.parts import Database, Instance, Kind, Program, Service, postgres

# If the house is another than config.house (see chosen.py), each of its programs needs the variable.
CHOICE = "SAGABOX_HOUSE"
COMMON = ("SERVICE", "SECRET_KEY", "ALLOWED_HOSTS", "FRONT_HOST", "PUBLIC_ORIGIN", "DEBUG", "REDIS_URL",
          *((CHOICE,) if os.environ.get(CHOICE) else ()))  # fmt: skip
WAITING = "LETTER_LONGEST_RETRY_S"  # for a newer version of the reader
LETTERS = ("LETTER_RETRY_S", WAITING)
UVICORN = ("-m", "uvicorn", "config.asgi:application", "--host", "{host}", "--port", "{port}", "--no-access-log",
           "--http", "serving.doors.sockets:BoundedHttp", "--ws", "serving.doors.sockets:BoundedWebSocket")  # fmt: skip
# A page sends nothing on its socket, so a message longer than a line is refused; compressing each frame separately for
# every page would cost more than it saves.
SOCKET = ("--ws-max-size", "4096", "--ws-per-message-deflate", "false")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")


def celery(queue: str) -> tuple[str, ...]:
    return (
        "-m",
        "celery",
        "-A",
        "config.celery:app",
        "worker",
        "--pool",
        "solo",
        "-Q",
        queue,
        "-n",
        f"{queue}@%h",
        *QUIET,
    )


def manage(command: str, *words: str) -> tuple[str, ...]:
    return ("manage.py", command, *words)


def of_service(
    service: Service, database: Database, *worker_keys: str, api_keys: tuple[str, ...] = ()
) -> tuple[Program, ...]:
    """Relay, worker and API: what every service with a contract runs. `worker_keys` and `api_keys` are what its worker and its
    API are given besides."""
    own = (*COMMON, database.url)
    name = service.name
    return (
        Program(name=f"relay-{name}", kind=Kind.RELAY, service=name, arguments=manage("relay"),
                keys=(*own, database.replication_url)),
        Program(name=f"worker-{name}", kind=Kind.WORKER, service=name, arguments=celery(service.queue),
                keys=(*own, *LETTERS, *worker_keys)),
        Program(name=f"api-{name}", kind=Kind.API, service=name, arguments=UVICORN, keys=(*own, "OPERATOR_TOKEN", *api_keys)),
    )  # fmt: skip


def of_instance(instance: Instance) -> Program:
    return Program(name=postgres(instance.name), kind=Kind.POSTGRES, on_demand=instance.on_demand)


def init_of(instance: Instance, *keys: str) -> Program:
    """Sets up one instance on demand, and ends, as INIT does for the others. `keys`: its addresses and passwords."""
    return Program(
        name=f"init-{instance.name}",
        kind=Kind.SET_UP,
        service=CONTROL.service,
        arguments=manage("sandbox", "provision", "--instance", instance.name),
        keys=(*COMMON, *keys),
        on_demand=True,
    )


REDIS = Program(name="redis", kind=Kind.REDIS)

SUPERVISION = ("SUPERVISION", "SANDBOX_PORT", "COMPOSE_PROFILES")
"""How control starts programs on demand: a class (see control/on_demand/machine.py), for the sandbox of that PORT. Compose
starts those of its profiles itself."""

# Owns the fault plan and takes servers down on purpose: of all long-running programs, only this one gets the
# superuser's password.
CONTROL = Program(
    name="control",
    kind=Kind.CONTROL,
    service="control",
    arguments=manage("control", "--host", "{host}", "--port", "{port}"),
    keys=(
        *COMMON,
        "ADMIN_URL_*",
        "REPLICATION_URL_*",
        "OPERATOR_TOKEN",
        "CONTROL_STATE",
        "API_URL_WEB",
        "RIG_IDLE_S",
        *SUPERVISION,
    ),
)

# Sets everything up and ends: `init` in docker-compose.yml, a child of `manage.py sandbox up` in the sandbox. It alone
# is given everybody's password, in order to hand them out.
INIT = Program(
    name="init",
    kind=Kind.SET_UP,
    service="control",
    arguments=manage("sandbox", "provision"),
    keys=(*COMMON, "DATABASE_URL_*", "ADMIN_URL_*", "*_PASSWORD"),
)
