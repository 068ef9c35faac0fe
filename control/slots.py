"""Keeps the readers' replication slots and publications in existence while the sandbox runs, not only at its start.

A slot that somebody drops, or whose log PostgreSQL has thrown away (`max_slot_wal_keep_size`), stops its reader
permanently: a relay sends nothing, the recorder records nothing. Only a superuser can create a slot, so the control
process does it, here and in containers. The reader reconnects by itself, and detects the hole: a relay fills it from
the outbox, and a note in the log informs the recorder of the gap.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

import psycopg
from psycopg.conninfo import conninfo_to_dict

from control.setup.provision import admin_url
from control.setup.publish import repair
from messaging.process.outage import Outage
from topology.processes import HOUSE
from topology.tuning import Seconds

log = logging.getLogger(__name__)

LOOK_S: Seconds = 1.0  # between two looks at the replication slots
DRAIN_S: Seconds = 5.0  # how long to wait for a reader to read the rest of a log
_BEHIND = "select from pg_replication_slots where slot_name = any(%s) and active and confirmed_flush_lsn < %s::pg_lsn"
_READ = "select from pg_replication_slots where active"
# From the place at which the server would begin to send again: what is before it may be thrown away.
_UNREAD = """
    select pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint from pg_replication_slots
    where slot_name = %s and restart_lsn is not null
"""
Notify = Callable[[str, str], None]
"""Called with a service and a sentence about what was repaired there."""
Measure = Callable[[str, int], None]
"""Called with a database and the bytes of log that it keeps for the recorder."""


def keep(
    environment: Mapping[str, str],
    notify: Notify,
    measure: Measure,
    stop: threading.Event,
    works: Callable[[str], bool] = lambda instance: True,
) -> list[threading.Thread]:
    """Watch each database in its own thread until `stop`: a frozen one delays no other. `notify` and `measure` may not raise.

    `environment` has the superuser's addresses, and the recorder's, whose password proves that a note is ours. `works` says
    whether an instance should work: the databases of one on demand that is stopped are skipped.
    """
    databases = {one.alias: one for one in HOUSE.journaled}
    keys = {
        alias: str(conninfo_to_dict(environment[one.replication_url]).get("password") or "")
        for alias, one in databases.items()
    }
    threads = [
        threading.Thread(
            target=_keep,
            args=(
                alias,
                admin_url(environment, one.instance, one.name),
                keys[alias],
                notify,
                measure,
                stop,
                partial(works, one.instance),
            ),
            name=f"slots-{alias}",
            daemon=True,
        )
        for alias, one in databases.items()
    ]
    for thread in threads:
        thread.start()
    return threads


def _keep(
    alias: str,
    url: str,
    key: str,
    notify: Notify,
    measure: Measure,
    stop: threading.Event,
    works: Callable[[], bool] = lambda: True,
) -> None:
    connection: psycopg.Connection | None = None
    away = Outage(f"slots of {alias}")
    while not stop.wait(LOOK_S):
        if not works():
            if connection is not None:
                connection.close()
            continue
        try:
            if connection is None or connection.closed:
                connection = psycopg.connect(
                    url,
                    autocommit=True,
                    connect_timeout=2,
                    application_name="sagabox-slots",
                    options="-c lock_timeout=5s",
                )
            for slot in repair(connection, alias, key):
                log.warning("the replication slot %s of %s was lost; it has been recreated", slot, alias)
                notify(alias, _sentence(slot, alias))
            for (unread,) in connection.execute(_UNREAD, [HOUSE.database(alias).slot]).fetchall():
                measure(alias, unread)
            away.over()
        except psycopg.Error as error:
            away.failed(error)
            if connection is not None:
                connection.close()
    if connection is not None:
        connection.close()


def drain(environment: Mapping[str, str], instance: str) -> None:
    """Let the recorder read what has been committed on an instance that is to stop, so that the journal ends where the data do.

    Not for ever: what it has not read after DRAIN_S it reads once the instance is started again. Raises psycopg.Error.
    """
    slots = [one.slot for one in HOUSE.databases_on(instance) if one.journaled]
    with psycopg.connect(admin_url(environment, instance), autocommit=True, connect_timeout=2) as connection:
        end = connection.execute("select pg_current_wal_insert_lsn()::text").fetchone()
        _until_none(connection, _BEHIND, slots, *(end or ()))


def let_go(environment: Mapping[str, str], instance: str) -> None:
    """Wait until nobody reads the log any more: a shutdown waits for a reader that does not go. Raises psycopg.Error."""
    with psycopg.connect(admin_url(environment, instance), autocommit=True, connect_timeout=2) as connection:
        _until_none(connection, _READ)


def _until_none(connection: psycopg.Connection, query: str, *values: object) -> None:
    """Until the query finds nothing, or DRAIN_S have passed."""
    deadline = time.monotonic() + DRAIN_S
    while connection.execute(query.encode(), values or None).rowcount and time.monotonic() < deadline:
        time.sleep(0.05)


def _sentence(slot: str, alias: str) -> str:
    catches_up = (
        "the existing rows are recorded again"
        if slot == HOUSE.database(alias).slot
        else "the relay sends what it missed from the outbox"
    )
    return f"the replication slot {slot} of {alias} was lost and has been recreated: {catches_up}"
