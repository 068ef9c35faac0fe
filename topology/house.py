"""The whole house: its parts joined and checked, with lookups for all other code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import TypeVar

from topology import on_demand
from topology.checks import check_databases, check_programs, check_rigs, check_services, names
from topology.parts import RECORDER, Database, Instance, Kind, Part, Program, Rig, Service, TopologyError, admin_key
from topology.programs import CONTROL, INIT, REDIS, init_of, of_instance

T = TypeVar("T")


def password_key(role: str) -> str:
    """The environment variable with a role's password."""
    return f"{role.upper()}_PASSWORD"


class House:
    """Services, databases, instances and programs, in the order of their parts. Raises TopologyError if they do not fit."""

    def __init__(self, *parts: Part) -> None:
        self.instances: tuple[Instance, ...] = tuple(chain.from_iterable(one.instances for one in parts))
        self.databases: tuple[Database, ...] = tuple(chain.from_iterable(one.databases for one in parts))
        self.every_service: tuple[Service, ...] = tuple(chain.from_iterable(one.services for one in parts))
        self.rigs: tuple[Rig, ...] = tuple(chain.from_iterable(one.rigs for one in parts))
        own = [REDIS, CONTROL, *map(of_instance, self.instances)]
        given = [*own, *chain.from_iterable(one.programs for one in parts)]
        check_services(self.every_service, self.databases)
        check_databases(self.instances, self.databases, self.services)
        check_programs([*given, INIT], {*(one.name for one in self.every_service), *self.roles})
        self.programs = tuple(
            replace(
                program,
                keys=tuple(self.keys(program)),
                on_demand=on_demand.is_on_demand(program, self.instance_of, self.instances),
            )
            for program in sorted(given, key=lambda program: (program.tier, program.kind))
        )
        check_rigs(self.rigs, self.programs, on_demand.startable(self.programs, self.instance_of))
        self.init = replace(INIT, keys=tuple(self.keys(INIT)))
        self.inits = tuple(init_of(one, *self._keys_of_instance(one.name)) for one in self.instances if one.on_demand)

    # Services

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """Those with a contract: they exchange messages."""
        return tuple(service for service in self.every_service if service.contract)

    @cached_property
    def participants(self) -> tuple[Service, ...]:
        """Those that a saga asks for something."""
        return tuple(service for service in self.services if not service.orchestrates)

    @cached_property
    def views(self) -> tuple[Service, ...]:
        """Those that projectors run for."""
        fed = {program.service for program in self.programs_of(Kind.PROJECTOR)}
        return tuple(service for service in self.every_service if service.name in fed)

    @cached_property
    def orchestrator(self) -> Service:
        """The service that participants answer. Raises TopologyError if no service orchestrates."""
        found = [service for service in self.services if service.orchestrates]
        if len(found) != 1:
            raise TopologyError(f"one service has to orchestrate; {names(service.name for service in found)} do")
        return found[0]

    @cached_property
    def apis(self) -> tuple[Service, ...]:
        return tuple(service for service in self.every_service if service.api)

    @cached_property
    def titles(self) -> dict[str, str]:
        """Service -> its name on pages, for those they show."""
        return {service.name: service.title for service in self.every_service if service.title}

    def service(self, name: str) -> Service:
        """Raises TopologyError."""
        return _find(name, "service", {service.name: service for service in self.every_service})

    @cached_property
    def queues(self) -> dict[str, str]:
        """Service -> the queue of what is sent to it, for those that exchange messages."""
        return {service.name: service.queue for service in self.services}

    @cached_property
    def service_of_app(self) -> dict[str, Service]:
        """Django app -> the service whose tables it has."""
        return {service.app: service for service in self.every_service}

    def owner(self, alias: str, table: str) -> str:
        """The service whose table this is: the database's first for a table without a service, the alias for an unknown
        database."""
        owners = self._owners.get(alias, [("", alias)])
        fitting = [(len(prefix), name) for prefix, name in owners if table.startswith(prefix)]
        return max(fitting)[1] if fitting else owners[0][1]  # an app's name may begin with another's

    @cached_property
    def _owners(self) -> dict[str, list[tuple[str, str]]]:
        """alias -> (how a service's tables begin, the service)."""
        found: dict[str, list[tuple[str, str]]] = {}
        for service in self.every_service:
            found.setdefault(service.database, []).append((f"{service.app}_", service.name))
        return found

    @cached_property
    def bookkeeping(self) -> frozenset[str]:
        """Tables with internal bookkeeping: a participant's barrier, and those that rooms declare."""
        declared = (table for service in self.every_service for table in service.bookkeeping)
        return frozenset((*declared, *(f"{service.app}_barrier" for service in self.participants)))

    @cached_property
    def followed(self) -> frozenset[str]:
        """Tables whose every row a live page keeps up to date."""
        return frozenset(table for service in self.every_service for table in service.followed)

    @cached_property
    def booking_columns(self) -> dict[str, str]:
        """Table -> its column that names a booking, where that is not `booking_id`."""
        return {table: column for service in self.every_service for table, column in service.booking_columns.items()}

    def services_in(self, alias: str) -> tuple[Service, ...]:
        """Those with a contract whose tables are in this database."""
        return tuple(service for service in self.services if service.database == alias)

    @cached_property
    def replicating(self) -> tuple[Service, ...]:
        """Those that keep copies of other services' rows which not even they may write."""
        return tuple(service for service in self.every_service if service.replicas)

    def private_in(self, alias: str) -> tuple[str, ...]:
        """The tables in this database that leave it in no way."""
        return tuple(table for one in self.every_service if one.database == alias for table in one.private)

    # Databases and instances

    @cached_property
    def aliases(self) -> tuple[str, ...]:
        return tuple(database.alias for database in self.databases)

    @cached_property
    def journaled(self) -> tuple[Database, ...]:
        """Those that the recorder tails."""
        return tuple(database for database in self.databases if database.journaled)

    @cached_property
    def app_aliases(self) -> dict[str, str]:
        """Django app -> the alias of the database its tables are in."""
        return {app: database.alias for database in self.databases for app in database.apps}

    @cached_property
    def rooms(self) -> dict[str, str]:
        """Django app -> its package, of those with tables in a database."""
        modules = {service.app: service.module for service in self.every_service}
        return {app: modules.get(app, app) for app in self.app_aliases}

    def database(self, alias: str) -> Database:
        """Raises TopologyError."""
        return _find(alias, "database", {database.alias: database for database in self.databases})

    def database_of(self, service: str) -> Database:
        """Raises TopologyError."""
        return self.database(self.service(service).database)

    def databases_on(self, instance: str) -> tuple[Database, ...]:
        return tuple(database for database in self.databases if database.instance == instance)

    def visible(self, service: str) -> tuple[str, ...]:
        """The aliases that a process with this SERVICE gets: its own, those it may read, or all for the control process."""
        if service == CONTROL.service:
            return self.aliases
        own = [one.database for one in self.every_service if one.name == service]
        return tuple(one.alias for one in self.databases if one.alias in own or service in one.readers)

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """Who may log in to PostgreSQL besides the superuser `postgres`, who sets up, and then is the control process's alone."""
        return self.roles_in(*self.databases)

    def roles_in(self, *databases: Database) -> tuple[str, ...]:
        """Those of them who may log in to these databases."""
        aliases = [database.alias for database in databases]
        owners = [database.owner for database in databases]
        relays = [service.relay for service in self.services if service.database in aliases]
        writers = [one.replicas.role for one in self.replicating if one.database in aliases and one.replicas]
        consoles = [database.console for database in databases if database.journaled]
        readers = [reader for database in databases for reader in database.readers]
        return tuple(dict.fromkeys([*owners, *relays, *writers, *consoles, RECORDER, *readers]))

    # Programs

    @cached_property
    def standing(self) -> tuple[Program, ...]:
        """Those that run for as long as the sandbox does."""
        return tuple(program for program in self.programs if not program.on_demand)

    @cached_property
    def startable(self) -> dict[str, tuple[Program, ...]]:
        """What may be started on demand, by name -> the programs that takes, in the order in which they start."""
        return on_demand.startable(self.programs, self.instance_of, self.rigs)

    def profiles(self, program: Program) -> tuple[str, ...]:
        """The names of the profiles with which compose runs a program on demand: the services and rigs it is there for."""
        known = (*self.instance_of, *(rig.name for rig in self.rigs))
        served = [name for name in known if program in self.startable.get(name, ())]
        return tuple(served) or (program.name,)

    @cached_property
    def instance_of(self) -> dict[str, str]:
        """Service -> the instance its tables are on, of those with tables."""
        return {one.name: self.database(one.database).instance for one in self.every_service if one.database}

    def rig(self, name: str) -> Rig:
        """Raises TopologyError."""
        return _find(name, "rig", {rig.name: rig for rig in self.rigs})

    @cached_property
    def django(self) -> tuple[Program, ...]:
        return tuple(program for program in self.programs if program.service)

    def program(self, name: str) -> Program:
        """Raises TopologyError."""
        return _find(name, "program", {program.name: program for program in self.programs})

    def programs_of(self, *kinds: Kind) -> tuple[Program, ...]:
        return tuple(program for program in self.programs if program.kind in kinds)

    def keys_of_service(self, service: str) -> tuple[str, ...]:
        """All that any process of a service is given: what a person's shell needs to run that service's commands."""
        return tuple(
            dict.fromkeys(key for program in self.django if program.service == service for key in program.keys)
        )

    def keys(self, program: Program) -> Iterator[str]:
        """A program's keys, `KEY_*` replaced by that key of everything there is."""
        every = {
            "DATABASE_URL_*": [database.url for database in self.databases],
            "REPLICATION_URL_*": [database.replication_url for database in self.journaled],
            "CONSOLE_URL_*": [database.console_url for database in self.journaled],
            "ADMIN_URL_*": [instance.admin_url for instance in self.instances],
            "API_URL_*": [service.api_url for service in self.services],
            "RIG_API_URL_*": [one.api_url for one in self.apis if f"api-{one.name}" in self._in_rigs],
            "*_PASSWORD": [password_key(role) for role in self.roles],
        }
        for key in program.keys:
            if "*" in key and key not in every:
                raise TopologyError(f"program '{program.name}' asks for {key}; there is {names(every)}")
            yield from every.get(key, [key])

    @cached_property
    def _in_rigs(self) -> frozenset[str]:
        """The names of all programs that a rig has."""
        return frozenset(name for rig in self.rigs for name in rig.programs)

    def _keys_of_instance(self, instance: str) -> Iterator[str]:
        """All that sets up an instance: its superuser's address, its databases' and the passwords of its roles."""
        here = self.databases_on(instance)
        yield admin_key(instance)
        yield from (database.url for database in here)
        yield from map(password_key, self.roles_in(*here))


def _find(name: str, what: str, known: dict[str, T]) -> T:
    if name not in known:
        raise TopologyError(f"there is no {what} '{name}'; there is {names(known)}")
    return known[name]
