"""The auditor's verdict over HTTP, and as the bar at the top of the page."""

import hashlib
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from ninja import Router, Schema

from gateway.audit.verdict import Watch, fresh
from gateway.people.privacy import masked

router = Router(tags=["verdict"])
WATCH = Watch()


class Evidence(Schema):
    """Evidence against an invariant. `pos`: the first entry since which it is broken, if the journal shows it (if
    pending: the newest entry about it); `url`: the page showing it."""

    what: str
    booking: str | None = None
    bookings: list[str] = []
    seat: str | None = None
    tables: list[str] = []
    pos: int | None = None
    url: str = ""
    unavailable: str = ""  # the service that did not answer


class Waived(Evidence):
    """A step that a person skipped, or a saga that a person ended; `how` in words, and why."""

    how: str = ""
    step: str = ""
    action: str = ""
    reason: str = ""


class InvariantOut(Schema):
    """`status`: holds, pending or violated. At most 20 pieces each of `evidence` and `waived`; the counts include all."""

    name: str
    title: str
    says: str
    status: str
    evidence: list[Evidence]
    count: int
    waived: list[Waived]
    waived_count: int
    totals: dict[str, dict[str, int]] | None = None


class VerdictOut(Schema):
    """`bookings`: how many had ended when reading began (only these are judged), were running, and were stuck."""

    at: str
    took_ms: int
    status: str
    bookings: dict[str, int]
    unavailable: dict[str, str]
    invariants: list[InvariantOut]


@router.get("/api/verdict", response=VerdictOut, summary="Check each invariant now, against the services' truth")
def verdict(request: HttpRequest) -> dict[str, Any]:
    return masked(fresh())


@require_GET
def bar(request: HttpRequest) -> HttpResponse:
    """The chips; 204 when the page already has the same ones (`?seen=`), or before the first verdict."""
    found = masked(WATCH.latest())
    if "invariants" not in found:
        return HttpResponse(status=204)
    told = [found[part] for part in ("status", "bookings", "unavailable", "invariants")]
    digest = hashlib.blake2s(orjson.dumps(told), digest_size=8).hexdigest()
    if request.GET.get("seen") == digest:
        return HttpResponse(status=204)
    return render(
        request, "verdict/verdict.html#chips", {"verdict": found, "digest": digest, "settling": _settling(found)}
    )


def _settling(verdict: dict[str, Any]) -> bool:
    """Whether it may change without a new entry: something converges, or the journal's index is still on its way."""
    violated = [one for one in verdict["invariants"] if one["status"] == "violated"]
    return verdict["status"] == "pending" or any(not piece["pos"] for one in violated for piece in one["evidence"])
