"""Retries letters that are `retrying`: sends them again through the service's outbox with a growing pause, until they
are dead.

The watchdog repairs most failures of a saga's commands earlier; this is for messages that nothing else sends again. A
letter that a person has sent again is handled in the same way, if its message gets lost.
"""

import logging
import threading
import time

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, InterfaceError, models

from messaging.database import Database, from_json
from messaging.inbox.dead_letters import message_of
from messaging.outbox.append import Message
from messaging.process.outage import Outage
from topology.chosen import HOUSE
from topology.tuning import Count, Seconds

AT_ONCE: Count = 100  # letters that are sent again in one transaction
ALL = 100_000
LOOK_S: Seconds = 5.0  # maximum time between two checks
log = logging.getLogger(__name__)

# The time of a letter is that of its last attempt or its last sending, so a message that was lost on its way is sent
# again too.
_DUE = """
    select id::text, envelope from {table}
    where state in ('retrying', 'retried') and not envelope ? 'skippedby'
        and (%(started)s and (attempts -> -1 ->> 'waits')::bool or updated_at < clock_timestamp() - interval '1 second' * case
        when (attempts -> -1 ->> 'waits')::bool then %(longest)s
        else least(%(first)s * 2.0 ^ least(greatest(jsonb_array_length(attempts), 1) - 1, 30), %(longest)s) end)
    order by updated_at limit %(most)s for update skip locked
"""
_SENT = "update {table} set updated_at = clock_timestamp() where id = any(%s::uuid[])"
_DEAD = """
    update {table} set state = 'dead', updated_at = clock_timestamp(), attempts = attempts || jsonb_build_object(
        'at', clock_timestamp(), 'error', %s::text)
    where id = %s
"""


def send_due(
    db: Database, service: str, dead_letter: type[models.Model], outbox: type[models.Model], *, started: bool = False
) -> int:
    """Send the letters whose pause is over; return how many. A letter that no queue could take becomes dead.

    `started`: this worker has just begun, so it may be the newer version that some letters wait for.
    """
    table = dead_letter._meta.db_table
    pauses = {
        "first": settings.LETTER_RETRY_S,
        "longest": settings.LETTER_LONGEST_RETRY_S,
        "most": ALL if started else AT_ONCE,
    }
    pauses["started"] = started
    messages: list[Message] = []
    with db.atomic():
        for letter, envelope in db.rows(_DUE.format(table=table), pauses):
            try:
                messages.append(message_of(service, letter, from_json(envelope)))
            except ValueError as error:
                db.run(_DEAD.format(table=table), [f"it cannot be sent again: {error}", letter])
        if messages:
            db.append(outbox, messages)
            db.run(_SENT.format(table=table), [[message.id for message in messages]])
    return len(messages)


def in_background(service: str) -> None:
    """Send what is due for as long as the process lives, in its own thread."""
    app, db = HOUSE.service(service).app, Database(HOUSE.database_of(service).alias)
    dead_letter, outbox = apps.get_model(app, "DeadLetter"), apps.get_model(app, "Outbox")

    def forever() -> None:
        outage, started = Outage(f"{service}: the dead letters' database"), True
        while True:
            try:
                if started:
                    send_due(db, service, dead_letter, outbox, started=True)
                    started = False
                while send_due(db, service, dead_letter, outbox) == AT_ONCE:
                    pass
                outage.over()
            except (DatabaseError, InterfaceError) as error:
                outage.failed(error)
                db.close()
            time.sleep(min(settings.LETTER_RETRY_S / 2, LOOK_S))

    threading.Thread(target=forever, daemon=True, name="letter-retries").start()
