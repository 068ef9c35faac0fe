"""Everything that runs, looked up in the house. Supervisor, docker-compose.yml and the tests are all compared with it."""

from topology.chosen import HOUSE
from topology.house import password_key
from topology.parts import Program as Process
from topology.parts import Tier
from topology.programs import celery

__all__ = [
    "ALIASES",
    "BACKEND_KB",
    "BY_NAME",
    "CONTROL",
    "DJANGO",
    "EVERY_INSTANCE",
    "HOUSE",
    "INIT",
    "INSTANCES",
    "INSTANCE_OF",
    "POSTGRES_SETTINGS",
    "PROCESSES",
    "ROLES",
    "SERVICES",
    "SUPERVISED",
    "Process",
    "Tier",
    "celery",
    "keys_of_service",
    "password_key",
]

SERVICES = tuple(service.name for service in HOUSE.services)
INSTANCES = tuple(instance.name for instance in HOUSE.instances if not instance.on_demand)
EVERY_INSTANCE = tuple(instance.name for instance in HOUSE.instances)
"""With those on demand."""
ALIASES = HOUSE.aliases
ROLES = HOUSE.roles
INSTANCE_OF = {database.alias: database.instance for database in HOUSE.databases}
PROCESSES = HOUSE.standing
SUPERVISED = (*HOUSE.programs, *HOUSE.inits)
"""With those on demand, and what sets up an instance on demand."""
DJANGO = HOUSE.django
BY_NAME = {process.name: process for process in SUPERVISED}
CONTROL, INIT = BY_NAME["control"], HOUSE.init
keys_of_service = HOUSE.keys_of_service

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
