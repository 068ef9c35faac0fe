"""Envelopes as a relay would deliver them, for tests of what comes in; and a look at what went out."""

import uuid
from typing import Any

from django.db import models

from messaging.message import Body


def new_id() -> str:
    return str(uuid.uuid4())


def command(body: Body, *, saga: str = "", booking: str = "", **more: Any) -> dict[str, Any]:
    """The envelope of a command; its saga is one of its own unless told."""
    data = body.model_dump(mode="json")
    return {
        "specversion": "1.0",
        "id": new_id(),
        "source": "/booking",
        "type": body.type(),
        "kind": "command",
        "data": data,
        "sagaid": saga or new_id(),
        "correlationid": booking or data.get("booking_id", ""),
        **more,
    }


def sent(outbox: type[models.Model], kind: str = "") -> list[Any]:
    """The rows of an outbox in the order they were written: all, or those of a kind."""
    rows = outbox._default_manager.order_by("seq")
    return list(rows.filter(kind=kind) if kind else rows)


def replies(outbox: type[models.Model]) -> list[tuple[str, str]]:
    """(status, reason) of each reply, in order."""
    return [(row.data["status"], row.data["reason"]) for row in sent(outbox, "reply")]
