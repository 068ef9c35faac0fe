"""The plan of the house as it really is: what runs, what it is given, who may do what in PostgreSQL, what is published.

Each function reads one part and returns lists and dictionaries of text and numbers, in an order that does not vary.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import yaml

from control.setup.publish import publish_database, readers_of
from sandbox.data.secret_store import NAMES
from sandbox.layout import Layout
from sandbox.running.environment import SERVICE_NAMES, Environments
from sandbox.testing import url_of
from topology.processes import DJANGO, INIT, INSTANCES, POSTGRES_SETTINGS, PROCESSES, Process

ROOT = Path(__file__).parents[2]
PORT = 8000
Environment = Mapping[str, str]

_ROLES = """
    select rolname as role, rolsuper as superuser, rolcanlogin as login, rolreplication as replication,
        rolcreatedb as createdb, rolcreaterole as createrole, rolbypassrls as bypassrls, rolconnlimit as at_once,
        coalesce(rolconfig, '{}') as settings
    from pg_roles where rolname not like 'pg\\_%' order by rolname
"""
_DATABASES = """
    select datname as database, datdba::regrole::text as owner, datallowconn as open, datacl::text[] as grants
    from pg_database where not datistemplate and datname !~ '^(test_|postgres$)' order by datname
"""
_LATER = """
    select defaclrole::regrole::text as made_by, defaclobjtype::text as kind, defaclacl::text[] as grants
    from pg_default_acl order by 1, 2
"""
_LANGUAGES = "select lanname as language, lanacl::text[] as grants from pg_language where lanacl is not null order by 1"
_FUNCTIONS = """
    with mine as (
        select oid::regprocedure::text as function, proacl::text[] as grants
        from pg_proc left join pg_init_privs on objoid = pg_proc.oid and classoid = 'pg_proc'::regclass and objsubid = 0
        where pronamespace = 'pg_catalog'::regnamespace and proacl is distinct from initprivs
    )
    select grants, array_agg(function order by function) as functions from mine group by grants order by grants
"""
_PUBLICATIONS = """
    select pubname as publication, pubinsert as insert, pubupdate as update, pubdelete as delete, pubtruncate as truncate,
        (select array_agg(tablename order by tablename) from pg_publication_tables t where t.pubname = p.pubname) as tables
    from pg_publication p order by pubname
"""
_WHOLE = """
    select array_agg(relname order by relname) from pg_class
    where relkind = 'r' and relreplident = 'f' and relnamespace = 'public'::regnamespace
"""


def processes() -> list[dict[str, Any]]:
    return [_process(process) for process in (*PROCESSES, INIT)]


def _process(process: Process) -> dict[str, Any]:
    return {
        "name": process.name,
        "tier": process.tier.name,
        "health": process.health,
        "service": process.service,
        "yields": process.yields,
        "arguments": list(process.arguments),
        "keys": list(process.keys),
    }


def environments() -> dict[str, Any]:
    """Each process' variables with their values: passwords as `<NAME>`, ports those of PORT 8000.

    What several processes of a service are given has one value: it stands once, under the service.
    """
    made = Environments(
        Layout(ROOT, PORT).ports, {name: f"<{name}>" for name in NAMES}, Path("/control"), Path("/static")
    )
    values: dict[str, dict[str, str]] = {}
    for process in (*DJANGO, INIT):
        for key, value in made.of_process(process).items():
            assert values.setdefault(process.service, {}).setdefault(key, value) == value
    shells = {service: list(made.of_service(service)) for service in SERVICE_NAMES}
    return {"values": {name: dict(sorted(values[name].items())) for name in sorted(values)}, "shells": shells}


def ports() -> dict[str, int]:
    return dict(Layout(ROOT, PORT).ports)


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def roles(servers: Environment) -> dict[str, Any]:
    """What the provisioning has left on each instance, as the superuser sees it, and what PostgreSQL is started with."""
    found: dict[str, Any] = {"postgres": dict(POSTGRES_SETTINGS)}
    for instance in INSTANCES:
        with psycopg.connect(url_of(servers, instance, "postgres", "postgres")) as superuser:
            found[instance] = {"roles": _rows(superuser, _ROLES), "databases": _rows(superuser, _DATABASES)}
        for database in found[instance]["databases"]:
            with psycopg.connect(url_of(servers, instance, "postgres", database["database"])) as superuser:
                database["tables_made_later"] = _rows(superuser, _LATER)
                database["languages"] = _rows(superuser, _LANGUAGES)
                database["functions"] = _rows(superuser, _FUNCTIONS)
    return found


def publications(servers: Environment, databases: Mapping[str, str]) -> dict[str, Any]:
    """What the migrated `databases` (alias -> name) publish once `publish_database` has run. Nothing of it stays."""
    found = {}
    for alias in INSTANCES:
        with psycopg.connect(url_of(servers, alias, alias, databases[alias])) as owner:
            publish_database(owner, alias)
            found[alias] = {
                "slots": readers_of(alias),
                "publications": _rows(owner, _PUBLICATIONS),
                "whole_rows": owner.execute(_WHOLE).fetchone()[0],  # type: ignore[index]
            }
            owner.rollback()
    return found


def _rows(connection: psycopg.Connection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
