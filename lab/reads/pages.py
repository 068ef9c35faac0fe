"""The buttons of the exhibit about composition: ask, and take a part away."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from faults import Action, Point
from gateway.clients import ServiceDown
from gateway.faults_api import arm_fault, armed, clear_fault
from gateway.people.operator import require_operator
from lab import waterfall
from lab.chosen import in_words, one_of
from lab.halls import READS, ensure
from lab.reads import asking
from lab.reads.browser import ROUND_TRIPS_MS
from lab.reads.composition import HOW, MISSING, PAYMENTS
from lab.reads.viewers import VIEWERS
from serving.problems import Problem

OUTAGE_S = 120  # how long Payment's API stays down unless somebody brings it back
NAME = "lab_composition"  # the fault's


def context() -> dict[str, Any]:
    """What the exhibit's own part of the template offers."""
    return {
        "rows": asking.ROWS, "networks": asking.NETWORKS_MS, "viewers": VIEWERS, "trips": ROUND_TRIPS_MS,
        "down": bool(_armed()),
    }  # fmt: skip


@require_POST
@require_operator
def ask(request: HttpRequest) -> HttpResponse:
    """Ask the question once: the waterfall of its calls, and the rows. It books what it asks about, if that is not there yet."""
    post = request.POST
    how = one_of(post.get("how", ""), HOW, "way")
    missing = one_of(post.get("missing", ""), MISSING, "choice about what is missing")
    limit = int(one_of(post.get("rows", ""), map(str, asking.ROWS), "number of bookings"))
    network = int(one_of(post.get("network", ""), map(str, asking.NETWORKS_MS), "network"))
    predicted = post.get("predicted", "")
    chosen: dict[str, Any] = {"how": how, "limit": limit, "network": network}
    try:
        asking.check_open()
        ensure(READS, limit)
        answer = asking.ask(how, limit, missing=missing, network_ms=network)
    except (Problem, ServiceDown) as error:
        return render(request, "lab/composition.html#answer", {**chosen, "refused": in_words(error)})
    guessed = predicted if predicted.isascii() and predicted.isdigit() and len(predicted) < 5 else ""
    drawn = waterfall.draw(answer.spans)
    said = {"predicted": guessed, "right": guessed == str(drawn.calls)}
    return render(request, "lab/composition.html#answer", {**chosen, "answer": answer, "drawn": drawn, **said})


@require_POST
@require_operator
def outage(request: HttpRequest) -> HttpResponse:
    """Take Payment's API down, or bring it back: `down` is 1 or 0."""
    down = one_of(request.POST.get("down", ""), ("0", "1"), "outage") == "1"
    refused = ""
    try:
        live = armed_here()
        for one in live if not down else ():
            clear_fault(request, one["id"])
        if down and not live:
            until = (datetime.now(UTC) + timedelta(seconds=OUTAGE_S)).isoformat()
            asked = {"point": Point.API, "action": Action.DOWN, "service": PAYMENTS, "name": NAME, "expires_at": until}
            arm_fault(request, {**asked, "trigger": {"kind": "always"}})
    except (Problem, ServiceDown) as error:
        refused = in_words(error)
    return render(request, "lab/composition.html#outage", {"down": down and not refused, "refused": refused})


def armed_here() -> list[dict[str, Any]]:
    """The outage that this page has armed, while it lasts. Raises Problem, ServiceDown."""
    return [one for one in armed() if one["name"] == NAME and one["state"] in ("armed", "fired")]


def _armed() -> list[dict[str, Any]]:
    """None while the control process does not answer: then the page shows that elsewhere."""
    try:
        return armed_here()
    except (Problem, ServiceDown):
        return []
