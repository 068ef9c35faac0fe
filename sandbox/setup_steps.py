"""Sets up empty servers for Sagabox: `manage.py sandbox provision`, here and as `init` in docker-compose.yml.

Runs inside Django with SERVICE=control, whose environment alone holds the superuser's and all the owners' passwords.
"""

import time
from collections.abc import Iterable, Mapping

from django.core.management import call_command, get_commands

from control import health
from control.setup import closing, provision, publish
from messaging.process.heartbeat import note_start
from messaging.process.redis import redis_client
from sandbox.data.backup import refuse_newer_databases
from sandbox.errors import SandboxError
from sandbox.stages import Stages
from topology.parts import admin_key, postgres
from topology.processes import EVERY_INSTANCE, HOUSE, INSTANCES

SEEDS = ("seed_seats", "seed_booking")  # in this order: a booking refers to a performance


def run(stages: Stages, environment: Mapping[str, str], on_demand: str = "") -> None:
    """Every step in its order; each is safe to repeat, so the second start runs them all again.

    `on_demand`: only for this instance, which does not start with the others. Its demo data are made by `seed_<app>`, where there
    is such a command. Raises SandboxError for another name.
    """
    if on_demand and on_demand not in {*EVERY_INSTANCE} - {*INSTANCES}:
        raise SandboxError(f"no PostgreSQL on demand is called '{on_demand}'")
    instances = (on_demand,) if on_demand else INSTANCES
    databases = [one for one in HOUSE.databases if one.instance in instances]
    seeds = [f"seed_{app}" for one in databases for app in one.apps] if on_demand else SEEDS
    wait_for_servers(environment, instances)
    if not on_demand:
        note_start(redis_client())
    refuse_newer_databases(environment, instances)
    with stages.stage("Roles, databases, grants"):
        provision.provision(environment, instances=instances)
    with stages.stage("Migrations"):
        for one in databases:
            call_command("migrate", database=one.alias, verbosity=0, interactive=False)
        closing.close(environment, instances)
    with stages.stage("Publications, replica identity, slots"):
        publish.publish(environment, instances)
    with stages.stage("Demo data"):
        for command in seeds:
            if command in get_commands():
                call_command(command)


def wait_for_servers(environment: Mapping[str, str], instances: Iterable[str], patience: float = 60) -> None:
    """Until each instance lets the superuser in. In the sandbox they are up already; containers take their time."""
    deadline = time.monotonic() + patience
    for instance in instances:
        while not health.postgres_is_healthy(environment[admin_key(instance)]):
            if time.monotonic() > deadline:
                raise SandboxError(f"{postgres(instance)} did not answer within {patience:.0f} s")
            time.sleep(0.2)
