"""Keeps the readers' replication slots and publications in existence while the sandbox runs, not only at its start.

A slot that somebody drops, or whose log PostgreSQL has thrown away (`max_slot_wal_keep_size`), stops its reader
permanently: a relay sends nothing, the recorder records nothing. Only a superuser can create a slot, so the control
process does it, here and in containers. The reader reconnects by itself, and detects the hole: a relay fills it from
the outbox, and a note in the log informs the recorder of the gap.
"""

import logging
import threading
from collections.abc import Callable, Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict

from control.setup.provision import admin_url
from control.setup.publish import repair
from messaging.process.outage import Outage
from topology.processes import HOUSE

log = logging.getLogger(__name__)

LOOK_S = 1.0
Told = Callable[[str, str], None]
"""Called with a service and a sentence about what was repaired there."""


def keep(environment: Mapping[str, str], told: Told, stop: threading.Event) -> list[threading.Thread]:
    """Watch each database in its own thread until `stop`: a frozen one delays no other.

    `environment` has the superuser's addresses, and the recorder's, whose password proves that a note is ours.
    """
    databases = {one.alias: one for one in HOUSE.journaled}
    keys = {
        alias: str(conninfo_to_dict(environment[one.replication_url]).get("password") or "")
        for alias, one in databases.items()
    }
    threads = [
        threading.Thread(
            target=_keep,
            args=(alias, admin_url(environment, one.instance, one.name), keys[alias], told, stop),
            name=f"slots-{alias}",
            daemon=True,
        )
        for alias, one in databases.items()
    ]
    for thread in threads:
        thread.start()
    return threads


def _keep(alias: str, url: str, key: str, told: Told, stop: threading.Event) -> None:
    connection: psycopg.Connection | None = None
    away = Outage(f"slots of {alias}")
    while not stop.wait(LOOK_S):
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
                told(alias, _sentence(slot, alias))
            away.over()
        except psycopg.Error as error:
            away.failed(error)
            if connection is not None:
                connection.close()
    if connection is not None:
        connection.close()


def _sentence(slot: str, alias: str) -> str:
    catches_up = (
        "the existing rows are recorded again"
        if slot == HOUSE.database(alias).slot
        else "the relay sends what it missed from the outbox"
    )
    return f"the replication slot {slot} of {alias} was lost and has been recreated: {catches_up}"
