"""Checks that the parts of a house fit together. Each raises TopologyError, whose text names the part."""

from collections import Counter
from collections.abc import Collection, Iterable

from topology.parts import Database, Instance, Program, Rig, Service, TopologyError


def check_databases(
    instances: Collection[Instance], databases: Collection[Database], services: Collection[Service]
) -> None:
    """Names, and who reads an instance's logs. `services`: those that have an outbox."""
    known = [instance.name for instance in instances]
    _check_distinct("instance", known)
    _check_distinct("database", [database.alias for database in databases])
    _check_distinct("app in databases", [app for database in databases for app in database.apps])
    for database in databases:
        if database.instance not in known:
            raise TopologyError(
                f"database '{database.alias}' is on instance '{database.instance}', which nobody declares; "
                f"there is {names(known)}"
            )
        outboxes = [service for service in services if service.database == database.alias]
        _check_distinct(f"publication in database '{database.alias}'", [service.publication for service in outboxes])
    for name in known:
        here = [database for database in databases if database.instance == name]
        _check_distinct(f"database name on instance '{name}'", [database.name for database in here])
        recorders = [database.slot for database in here if database.journaled]
        relays = [service.slot for database in here for service in services if service.database == database.alias]
        _check_distinct(f"replication slot on instance '{name}'", [*recorders, *relays])


def check_services(services: Collection[Service], databases: Collection[Database]) -> None:
    """Names, and that each has its tables in a database, unless it neither has tables nor exchanges messages."""
    _check_distinct("service", [service.name for service in services])
    for what in ("app", "queue", "stream"):
        _check_distinct(f"{what} of services", [getattr(service, what) for service in services])
    apps = {database.alias: database.apps for database in databases}
    for service in services:
        if not service.database and not service.contract:
            continue
        if service.database not in apps:
            where = f"in database '{service.database}', which nobody declares" if service.database else "in no database"
            raise TopologyError(f"service '{service.name}' is {where}; there is {names(apps)}")
        if service.app not in apps[service.database]:
            raise TopologyError(
                f"service '{service.name}' has its tables in app '{service.app}', which is none of the apps of database "
                f"'{service.database}': {names(apps[service.database])}"
            )


def check_programs(programs: Collection[Program], callers: Collection[str]) -> None:
    """Names, and that each is of a service or of a role, or of the sandbox itself. `callers`: services and roles."""
    _check_distinct("program", [program.name for program in programs])
    for program in programs:
        if program.service not in (*callers, "control", ""):
            raise TopologyError(f"program '{program.name}' is of service '{program.service}', which nobody declares")


def check_rigs(rigs: Collection[Rig], programs: Collection[Program], startable: Collection[str]) -> None:
    """Names, which are none of `startable`, and that the programs of each are on demand."""
    _check_distinct("rig", [*(rig.name for rig in rigs), *startable])
    on_demand = [program.name for program in programs if program.on_demand]
    for rig in rigs:
        if others := [name for name in rig.programs if name not in on_demand]:
            raise TopologyError(
                f"rig '{rig.name}' has {names(others)}, which is not on demand; there is {names(on_demand)}"
            )


def names(several: Iterable[str]) -> str:
    return ", ".join(several) or "none"


def _check_distinct(what: str, several: Iterable[str]) -> None:
    twice = [name for name, count in Counter(several).items() if count > 1]
    if twice:
        raise TopologyError(f"declared more than once, {what}: {names(twice)}")
