"""The readers' replication slots, and their publications, are kept there while the sandbox runs, not at its start alone.

A slot that somebody drops, or whose log PostgreSQL has thrown away (`max_slot_wal_keep_size`), stops its reader for good: a
relay sends nothing, the recorder records nothing. Only a superuser makes a slot, so this is the control process's, here and
in containers. Its reader connects again by itself, and finds the hole: a relay fills it from the outbox, and the recorder is
told of the gap by a note in the log.
"""

import logging
import threading
from collections.abc import Callable, Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict

from messaging.outage import Outage
from sandbox.processes import INSTANCES, replication_url
from sandbox.provision import admin_url
from sandbox.publish import mend

log = logging.getLogger(__name__)

LOOK_S = 1.0
Told = Callable[[str, str], None]
"""Called with a service and a sentence about what was mended there."""


def keep(environment: Mapping[str, str], told: Told, stop: threading.Event) -> list[threading.Thread]:
    """Look after each instance in a thread of its own until `stop`: one that is frozen holds up no other.

    `environment` has the superuser's addresses, and the recorder's, whose password proves that a note is ours.
    """
    keys = {name: str(conninfo_to_dict(environment[replication_url(name)]).get("password") or "") for name in INSTANCES}
    threads = [
        threading.Thread(
            target=_keep,
            args=(name, admin_url(environment, name, name), keys[name], told, stop),
            name=f"slots-{name}",
            daemon=True,
        )
        for name in INSTANCES
    ]
    for thread in threads:
        thread.start()
    return threads


def _keep(instance: str, url: str, key: str, told: Told, stop: threading.Event) -> None:
    connection: psycopg.Connection | None = None
    away = Outage(f"slots of {instance}")
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
            for slot in mend(connection, instance, key):
                log.warning("the replication slot %s of %s was lost; it has been made again", slot, instance)
                told(instance, _sentence(slot, instance))
            away.over()
        except psycopg.Error as error:
            away.failed(error)
            if connection is not None:
                connection.close()
    if connection is not None:
        connection.close()


def _sentence(slot: str, instance: str) -> str:
    catches_up = (
        "the relay sends what it missed from the outbox" if slot == "relay" else "what is there is recorded again"
    )
    return f"the replication slot {slot} of {instance} was lost and has been made again: {catches_up}"
