"""Combines a participant and its inbox: the `handle` that a service's Celery task calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models

from messaging.inbox.batch import Inbox
from messaging.inbox.declarations import Command
from messaging.inbox.participant import Participant
from messaging.message import Body
from messaging.process.redis import redis_client
from messaging.process.warm_up import made_up


@dataclass(frozen=True, slots=True)
class Service:
    """`handle(envelopes, redelivered)` handles messages; `validate(envelope)` raises ValueError for one that it could
    not read. `rehearse()` does once, without effect, what delays the first message."""

    handle: Callable[..., None]
    validate: Callable[[dict[str, Any]], object]
    rehearse: Callable[[], None]


def participant(
    service: str,
    *,
    outbox: type[models.Model],
    barrier: type[models.Model],
    dead_letter: type[models.Model],
    commands: tuple[Command, ...],
    rehearsal: tuple[Body, ...] = (),
) -> Service:
    """Return the `Service` of one that takes these commands.

    `rehearsal`: commands for a booking that does not exist; together they use each of the service's tables.
    """
    side = Participant(service=service, outbox=outbox, barrier=barrier, commands=commands, redis=redis_client)
    inbox = Inbox(service=service, dead_letter=dead_letter, process=side.process, redis=redis_client)

    def rehearse() -> None:
        envelopes = [made_up(body) for body in rehearsal]
        inbox.rehearse(lambda db, plan: side.process(db, envelopes, plan))

    return Service(inbox.handle, side.validate, rehearse)
