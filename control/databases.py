"""Takes a service's database down for its clients: PostgreSQL refuses new connections and ends the existing ones.

`ALTER DATABASE ... ALLOW_CONNECTIONS false` applies to every client, also to walsenders and the superuser, so it is
done, and undone, from the database `postgres` of the same instance. It works in the same way on one machine and across
containers.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping

import psycopg
from psycopg import sql

from control.setup.provision import admin_url
from messaging.process.outage import Outage
from topology.parts import Database, postgres
from topology.processes import HOUSE
from topology.tuning import Seconds

log = logging.getLogger(__name__)

CUTTING_S: Seconds = 5.0  # how long to keep ending connections that were being made when the database was closed


class Databases:
    """Brings each journaled database to the wanted state, also when another process has left it in a different one.

    `environment` has ADMIN_URL_<INSTANCE>, the superuser's. What an earlier process left is unknown, so the first
    `reconcile` checks all of them: nothing stays down because the process that took it down was killed. `works` says whether an
    instance should work: one on demand that is stopped is skipped.
    """

    def __init__(self, environment: Mapping[str, str], works: Callable[[str], bool] = lambda instance: True) -> None:
        self._environment, self._works = environment, works
        self._databases = {one.alias: one for one in HOUSE.journaled}
        self._down: dict[str, bool | None] = dict.fromkeys(one.alias for one in HOUSE.journaled)
        self._away = {one.alias: Outage(postgres(one.instance)) for one in HOUSE.journaled}

    def reconcile(self, wanted: Collection[str]) -> None:
        """Take the databases of these services down, and every other one up. If an instance is down itself, its
        databases are tried again next time.
        """
        closed = {service.database for service in HOUSE.every_service if service.name in wanted}
        for alias, database in self._databases.items():
            down = alias in closed
            if not self._works(database.instance):
                self._down[alias] = None
                continue
            if self._down[alias] is down:
                continue
            try:
                self._bring(database, down)
            except psycopg.Error as error:
                self._away[alias].failed(error)
            else:
                self._away[alias].over()
                self._down[alias] = down

    def _bring(self, database: Database, down: bool) -> None:
        url = admin_url(self._environment, database.instance)
        with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
            statement = sql.SQL("alter database {} with allow_connections {}")
            connection.execute(statement.format(sql.Identifier(database.name), sql.Literal(not down)))
            if down:
                _cut(connection, database.name)
        if self._down[database.alias] is not None or down:
            log.info("database %s %s", database.name, "is down on purpose" if down else "accepts connections again")


def _cut(connection: psycopg.Connection, database: str) -> None:
    """End every backend of the database, those of replication too, until none is left."""
    give_up = time.monotonic() + CUTTING_S
    while time.monotonic() < give_up:
        cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = %s"
        found = connection.execute(cut, (database,)).fetchone()
        if found == (0,):
            return
        time.sleep(0.02)
