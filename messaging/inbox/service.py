"""Combines a participant and its inbox: the `handle` that a service's Celery task calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models

from messaging.inbox.batch import Inbox
from messaging.inbox.declarations import Command
from messaging.inbox.participant import Participant
from messaging.process.redis import redis_client


@dataclass(frozen=True, slots=True)
class Service:
    """`handle(envelopes, redelivered)` handles messages; `validate(envelope)` raises ValueError for one that it could
    not read."""

    handle: Callable[..., None]
    validate: Callable[[dict[str, Any]], object]


def participant(
    service: str,
    *,
    outbox: type[models.Model],
    barrier: type[models.Model],
    dead_letter: type[models.Model],
    commands: tuple[Command, ...],
) -> Service:
    """Return the `Service` of one that takes these commands."""
    side = Participant(service=service, outbox=outbox, barrier=barrier, commands=commands, redis=redis_client)
    inbox = Inbox(service=service, dead_letter=dead_letter, process=side.process, redis=redis_client)
    return Service(inbox.handle, side.validate)
