"""Putting a participant and its inbox together: the `handle` that a service's Celery task calls."""

from collections.abc import Callable

from django.db import models

from messaging.commands import Command
from messaging.connections import redis_client
from messaging.inbox import Inbox
from messaging.participant import Participant


def participant(
    service: str,
    *,
    outbox: type[models.Model],
    barrier: type[models.Model],
    dead_letter: type[models.Model],
    commands: tuple[Command, ...],
) -> Callable[..., None]:
    """Return `handle(envelopes, redelivered)` for a service that takes these commands."""
    side = Participant(service=service, outbox=outbox, barrier=barrier, commands=commands, redis=redis_client)
    return Inbox(service=service, dead_letter=dead_letter, process=side.process, redis=redis_client).handle
