"""The journal's position in every page: `{{ standing.epoch }}`, `{{ standing.pos }}`, read only if a template uses it."""

from typing import Any

from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from journal.reading import queries


def standing(request: HttpRequest) -> dict[str, Any]:
    """Template context processor. Positions are "" while the journal is down: such a page starts at the journal's
    end."""
    return {"standing": SimpleLazyObject(_standing)}


def _standing() -> dict[str, Any]:
    try:
        return {"epoch": queries.epoch(), "pos": queries.last_pos()}
    except Error:
        return {"epoch": "", "pos": ""}


@require_GET
@never_cache
def head(request: HttpRequest) -> JsonResponse:
    """`{"epoch", "pos"}` of the journal's end, for a page whose socket is broken."""
    return JsonResponse(_standing())
