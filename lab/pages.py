"""The pages of the lab: /lab, the comparison; /lab/<exhibit>, one template for all. A GET starts nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST
from redis import RedisError

from gateway.clients import ServiceDown
from gateway.people.operator import is_operator, require_operator, who
from gateway.people.visitor import visitor
from lab import figures, rigs
from lab.api import begin_to_measure, known
from lab.chosen import in_words
from lab.comparison import tables
from lab.exhibits import COMPOSITION, EXHIBITS, REPLICAS, Exhibit
from lab.reads import pages as reads
from lab.reads.replicas import pages as replicas
from messaging.process.redis import redis_of_requests
from serving.problems import Problem

MOVING = ("opening", "closing")
CONTEXT: Mapping[str, Callable[[], dict[str, Any]]] = {COMPOSITION.name: reads.context, REPLICAS.name: replicas.context}
"""Exhibit -> what its own part of the template offers."""


@require_GET
@ensure_csrf_cookie
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "lab/index.html", {"exhibits": EXHIBITS.values(), **_comparison(request)})


@require_GET
def comparison(request: HttpRequest) -> HttpResponse:
    """The tables alone."""
    return render(request, "lab/index.html#comparison", _comparison(request))


@require_GET
@ensure_csrf_cookie
def page(request: HttpRequest, exhibit: str) -> HttpResponse:
    one = known(exhibit)
    context = {"exhibit": one, "own": f"lab/{one.name}.html", **CONTEXT[one.name]()}
    return render(request, "lab/exhibit.html", {**context, **_standing(request, one), **_price(request, one)})


@require_GET
def standing(request: HttpRequest, exhibit: str) -> HttpResponse:
    """The lights; also the sign that this page is open."""
    return _lights(request, known(exhibit))


@require_POST
@require_operator
def change(request: HttpRequest, exhibit: str, verb: str) -> HttpResponse:
    """Start, start over or stop the exhibit's rig."""
    one = known(exhibit)
    if verb not in rigs.VERBS:
        raise Problem(404, "No such action", f"a rig is opened, closed or renewed, not '{verb[:40]}'")
    try:
        rigs.change(one.rig, verb, who(request))
    except (Problem, ServiceDown) as error:
        return _lights(request, one, in_words(error))
    return _lights(request, one)


@require_GET
def price(request: HttpRequest, exhibit: str) -> HttpResponse:
    return render(request, "lab/exhibit.html#price", _price(request, known(exhibit)))


@require_POST
@require_operator
def measure(request: HttpRequest, exhibit: str) -> HttpResponse:
    one = known(exhibit)
    try:
        begin_to_measure([one])
    except (Problem, ServiceDown) as error:
        return render(request, "lab/exhibit.html#price", {**_price(request, one), "refused": in_words(error)})
    return render(request, "lab/exhibit.html#price", _price(request, one))


@require_POST
@require_operator
def measure_all(request: HttpRequest) -> HttpResponse:
    """Those whose rigs are open. From the index."""
    refused = ""
    try:
        begin_to_measure(list(EXHIBITS.values()))
    except (Problem, ServiceDown) as error:
        refused = in_words(error)
    return render(request, "lab/index.html#comparison", {**_comparison(request), "refused": refused})


def _lights(request: HttpRequest, exhibit: Exhibit, refused: str = "") -> HttpResponse:
    context = _standing(request, exhibit)
    text = render_to_string("lab/exhibit.html#rig", {"exhibit": exhibit, "refused": refused, **context}, request)
    return HttpResponse(text)


def _standing(request: HttpRequest, exhibit: Exhibit) -> dict[str, Any]:
    """`rig`: as control.on_demand.rigs.Rigs.listing has it; None while the control process does not answer, and `away` says
    why."""
    operator = is_operator(request)
    try:
        rig = dict(rigs.seen(exhibit.rig, visitor(request) or "program"))
    except (Problem, ServiceDown) as error:
        return {"rig": None, "away": in_words(error), "operator": operator}
    others = max(rig["people"] - 1, 0)
    fresh = rig["state"] == "open" and all(one["took_s"] is not None for one in rig["programs"])
    return {
        "rig": rig, "others": others, "moving": rig["state"] in MOVING, "fresh": fresh, "operator": operator,
        "tail": "\n".join(rig["tail"]), "idle_min": round(rig["idle_s"] / 60),
    }  # fmt: skip


def _price(request: HttpRequest, exhibit: Exhibit) -> dict[str, Any]:
    return {"exhibit": exhibit, "operator": is_operator(request), **_measured([exhibit])}


def _comparison(request: HttpRequest) -> dict[str, Any]:
    return {"operator": is_operator(request), **_measured(list(EXHIBITS.values()))}


def _measured(exhibits: list[Exhibit]) -> dict[str, Any]:
    """The tables of these exhibits. Without Redis nothing counts as measured, and `away` says so."""
    found: dict[str, figures.Figure] = {}
    measuring: dict[str, Any] = {}
    away = ""
    try:
        found = figures.latest(redis_of_requests())
    except RedisError:
        away = "Redis, where the figures are, does not answer."
    try:
        measuring = dict(rigs.measurement())
    except (Problem, ServiceDown) as error:
        away = away or in_words(error)
    return {"tables": tables(found, exhibits), "measuring": measuring, "figures_away": away}
