"""Sets up empty servers for Sagabox: `manage.py sandbox provision`, here and as `init` in docker-compose.yml.

Runs inside Django with SERVICE=control, whose environment alone holds the superuser's and all the owners' passwords.
"""

import time
from collections.abc import Mapping

from django.core.management import call_command, get_commands

from control import health
from control.setup import provision, publish
from messaging.process.heartbeat import note_start
from messaging.process.redis import redis_client
from sandbox.data.backup import refuse_newer_databases
from sandbox.errors import SandboxError
from sandbox.stages import Stages
from topology.processes import ALIASES, INSTANCES

SEEDS = ("seed_seats", "seed_booking")  # in this order: a booking refers to a performance


def run(stages: Stages, environment: Mapping[str, str]) -> None:
    """Every step in its order; each is safe to repeat, so the second start runs them all again."""
    wait_for_servers(environment)
    note_start(redis_client())
    refuse_newer_databases(environment)
    with stages.stage("Roles, databases, grants"):
        provision.provision(environment)
    with stages.stage("Migrations"):
        for alias in ALIASES:
            call_command("migrate", database=alias, verbosity=0, interactive=False)
    with stages.stage("Publications, replica identity, slots"):
        publish.publish(environment)
    with stages.stage("Demo data"):
        for command in SEEDS:
            if command in get_commands():
                call_command(command)


def wait_for_servers(environment: Mapping[str, str], patience: float = 60) -> None:
    """Until every instance lets the superuser in. In the sandbox they are up already; containers take their time."""
    deadline = time.monotonic() + patience
    for instance in INSTANCES:
        while not health.postgres_is_healthy(environment[f"ADMIN_URL_{instance.upper()}"]):
            if time.monotonic() > deadline:
                raise SandboxError(f"postgres-{instance} did not answer within {patience:.0f} s")
            time.sleep(0.2)
