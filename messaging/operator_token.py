"""A service takes the operator's hand from whoever has the operator token: the front door, which has asked who that is."""

import hmac
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from ninja import Schema
from ninja.security import HttpBearer
from pydantic import ConfigDict

from messaging.typed_text import Typed


class OperatorToken(HttpBearer):
    """`Authorization: Bearer <OPERATOR_TOKEN>`. Without a token in its settings a service lets nobody in."""

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        known = settings.OPERATOR_TOKEN
        return "operator" if known and hmac.compare_digest(token.encode(), known.encode()) else None


class Hand(Schema):
    """Every intervention says who and why; the journal keeps it."""

    model_config = ConfigDict(extra="forbid")

    who: Annotated[str, Typed("name")]
    why: Annotated[str, Typed("reason")]
