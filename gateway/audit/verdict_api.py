"""The auditor's verdict over HTTP, and as the chip in the header of the page."""

import hashlib
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from ninja import Router, Schema

from gateway.audit.verdict import latest, now
from gateway.people.privacy import masked

router = Router(tags=["verdict"])


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
    unavailable: str = ""  # the service that did not answer, or does not run


class Waived(Evidence):
    """A step that a person skipped, or a saga that a person ended; `how` in words, and why."""

    how: str = ""
    step: str = ""
    action: str = ""
    reason: str = ""


class InvariantOut(Schema):
    """`status`: holds, pending, violated, or not_applicable (a service is stopped).

    At most 20 pieces each of `evidence` and `waived`; the counts include all.
    """

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
    """`at`: when reading began; `whole_at`: when everything was read last.

    `bookings`: how many had ended when reading began (only these are judged), were running, and were stuck.
    """

    at: str
    took_ms: int
    whole_at: str = ""
    status: str
    bookings: dict[str, int]
    unavailable: dict[str, str]
    invariants: list[InvariantOut]


@router.get("/api/verdict", response=VerdictOut, summary="Check each invariant now, against the services' truth")
def verdict(request: HttpRequest) -> dict[str, Any]:
    return masked(now())


@require_GET
def bar(request: HttpRequest) -> HttpResponse:
    """The chips; 204 when the page already has the same ones (`?seen=`), or before the first verdict.

    `?now=`: a person asked for a check: everything is read first.
    """
    checked = "now" in request.GET
    known = latest(checked=checked)
    found = masked(known.verdict)
    if not found and not known.note:
        return HttpResponse(status=204)
    told = [known.note, *(found.get(part) for part in ("status", "bookings", "unavailable", "invariants"))]
    digest = hashlib.blake2s(orjson.dumps(told), digest_size=8).hexdigest()
    if request.GET.get("seen") == digest and not checked:
        return HttpResponse(status=204)
    return render(
        request,
        "verdict/verdict.html#chips",
        {
            "verdict": found,
            "digest": digest,
            "note": known.note,
            "settled": known.settled,
            "all": sum(one["status"] != "not_applicable" for one in found.get("invariants", [])),
            "broken": sum(one["status"] == "violated" for one in found.get("invariants", [])),
            "settling": bool(known.note) or found.get("status") != "holds",
        },
    )
