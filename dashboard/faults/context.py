"""The content of the fault rail: the three ready-made toggles, the chips of armed faults, and the form for all others.
Pure, except for the request to the control process; views.py handles the buttons."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import Error as DatabaseError

from dashboard.faults import wording
from dashboard.faults.chips import OWNERS, groups, is_for, owner_of, shown
from dashboard.typed import number_or_text
from faults import AT, OWN, OWN_TIMES, Action, Fault, Kind, Mechanism, Point, catalogue
from faults.catalogue import reasons
from faults.messages import messages, taker
from faults.toggles import LABELS
from gateway.clients import ServiceDown
from gateway.faults_api import armed, control
from projections import queries
from serving.problems import Problem

PROOF_PATIENCE = timedelta(seconds=60)
WHENS = {Kind.ONCE: "once", Kind.TIMES: "n times", Kind.PROBABILITY: "with probability", Kind.ALWAYS: "until cleared"}
FOR = {
    "mine": "my next booking",
    "any": "any booking",
    "new": "bookings from now on",
    "booking": "this booking",
    "seat": "a seat",
    "customer": "a customer",
}
TIMED = (Action.DELAY, Action.HOLD, Action.HANG, Action.PAUSE, Action.DOWN, Action.REORDER)


def rail(visitor: str = "", by: str = "") -> dict[str, Any]:
    """Context for the refreshed part: toggles, chips grouped by service; `away` if the control process does not answer.

    `visitor`: the viewer; faults for another visitor's next booking do not change their toggles. `by`: their name as
    the arming person, if they may end only their own faults.
    """
    try:
        plan = armed()
    except (ServiceDown, Problem):
        plan, away = [], True
    else:
        away = False
    chosen = shown(plan)
    return {
        "away": away,
        "toggles": toggles([fault for fault in plan if is_for(fault, visitor)], away),
        "groups": groups(chosen, visitor, _seats(chosen), by),
        "more": len(plan) - len(chosen),
        "unproven": any(map(_unproven, chosen)),
    }


def _seats(chosen: list[dict[str, Any]]) -> dict[str, str]:
    """{booking: its seats} of the last struck bookings, as far as the views have them."""
    struck = {fault["last_booking"] for fault in chosen if fault["last_booking"]}
    try:
        return {booking: ", ".join(seats) for booking, seats in queries.seats_of(struck).items()}
    except DatabaseError:  # InterfaceError too: the rail works without the views
        return {}


def _unproven(fault: dict[str, Any]) -> bool:
    """It struck, but its entry has not been found yet: after a loss of Redis the control process learns of it later
    than the page."""
    if fault["proofs"] or not fault["last_fired"]:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(fault["last_fired"]) < PROOF_PATIENCE


def mechanisms() -> list[dict[str, Any]]:
    """The switches; with their defaults while the control process does not answer."""
    try:
        on = control("GET", "/mechanisms")
    except (ServiceDown, Problem):
        on = {}
    return [
        {"id": one.value, "name": one.label, "sentence": one.sentence, "on": on.get(one.value, True)}
        for one in Mechanism
    ]


def toggles(armed: list[dict[str, Any]], away: bool = False) -> list[dict[str, str]]:
    """Each toggle's state: idle, armed, or fired (it was a one-shot, so it is spent)."""
    states = {"armed": "armed", "fired": "armed", "exhausted": "fired"}
    newest = {fault["name"]: states.get(fault["state"], "idle") for fault in armed}
    return [
        {"name": name, "label": label, "state": "unknown" if away else newest.get(name, "idle")}
        for name, label in LABELS.items()
    ]


def form(asked: dict[str, str], own: bool = False) -> dict[str, Any]:
    """The form's fields: the options of each depend on those before it, so a change reloads the form.

    `own`: only what a visitor may arm, for a booking of theirs.
    """
    owners = {id: name for id, name in OWNERS.items() if not own or any(id in AT[point] for point in OWN)}
    service = _chosen(asked.get("service"), list(owners), taker("TakePayment"))
    entries = [entry for entry in catalogue() if service in {owner_of(place) for place in AT[entry.point]}]
    entries = [entry for entry in entries if not own or entry.point in OWN]
    names = [str(entry.point) for entry in entries]
    default = str(Point.ANSWER if own else Point.TRANSACTION_COMMITTED)
    point = _chosen(asked.get("point"), names, default if default in names else names[0])
    entry = next(entry for entry in entries if entry.point == point)
    places = [place for place in entry.services if owner_of(place) == service]
    actions = [str(action) for action in entry.actions if not own or action in OWN[entry.point]]
    action = _chosen(asked.get("action"), actions, "crash" if "crash" in actions else actions[0])
    outage = action == Action.DOWN and entry.point in (Point.DATABASE, Point.REDIS)
    scoped = not outage and entry.point not in (Point.PROCESS, Point.API)
    place = _chosen(asked.get("place"), places, places[0])
    passing = [] if outage else list(messages(entry.point, service))
    message = _chosen(asked.get("message"), ["", *passing], "POST" if entry.point == Point.API else "")
    whens = [Kind.ONCE, Kind.TIMES] if own else _whens(Point(point), Action(action), place, outage)
    kind = _chosen(asked.get("kind"), [str(kind) for kind in whens], "once")
    scopes = {name: text for name, text in FOR.items() if not own or name in ("mine", "booking")}
    scope = _chosen(asked.get("for"), list(scopes), "mine") if scoped else "any"
    return {
        "services": owners,
        "points": [(name, wording.POINT_WORDS[Point(name)]) for name in names],
        "sentence": entry.sentence,
        "expect": wording.expect(entry.point, Action(action)),
        "danger": wording.danger(entry.point, Action(action), place, scope, kind),
        "cell": wording.matrix_cell(point, action, message),
        "examples": wording.examples(own),
        "places": places,
        "actions": actions,
        "does": [(name, wording.ACTION_WORDS[Action(name)]) for name in actions],
        "messages": passing,
        "reasons": reasons(service, message),
        "whens": [(str(kind), WHENS[kind]) for kind in whens],
        "scoped": scoped,
        "scopes": scopes,
        "own": own,
        "most_times": OWN_TIMES if own else "",
        "timed": action in TIMED,
        "asked": {
            "times": "2",
            "probability": "0.5",
            "seed": "1",
            "after": "0",
            **asked,
            "for": scope,
            "service": service,
            "point": point,
            "action": action,
            "place": place,
            "message": message,
            "kind": kind,
            "seconds": asked.get("seconds") or ("20" if outage else "5" if action == Action.DELAY else ""),
        },
    }


def _whens(point: Point, action: Action, place: str, outage: bool) -> list[Kind]:
    """How often it may strike there: an outage is one period, and faults on the sandbox itself are limited."""
    whens = [Kind.ONCE, Kind.ALWAYS] if outage else list(Kind)
    house = Fault(point=point, action=action, service=place, seconds=1).on_the_house
    return [kind for kind in whens if not house or kind in (Kind.ONCE, Kind.TIMES)]


OF_A_PLACE = ("kind", "times", "probability", "seed", "after", "message")


def form_after_change(asked: dict[str, str], changed: str) -> dict[str, str]:
    """The fields of a form after a change of `changed`: another point starts with "once", whatever was chosen
    before."""
    if changed not in ("service", "point"):
        return asked
    return {name: value for name, value in asked.items() if name not in OF_A_PLACE}


def wanted(asked: dict[str, str], visitor: str = "") -> dict[str, Any]:
    """This visitor's filled form as input for faults.parse. A text that is not a number is passed on: the refusal then
    shows it."""
    kind, scope = asked.get("kind", "once"), asked.get("for", "any")
    trigger: dict[str, Any] = {"kind": kind, "after": _number(asked.get("after"))}
    if kind == Kind.TIMES:
        trigger["times"] = _number(asked.get("times"))
    if kind == Kind.PROBABILITY:
        trigger |= {"probability": _number(asked.get("probability")), "seed": _number(asked.get("seed"))}
    return {
        "point": asked.get("point"),
        "action": asked.get("action"),
        "service": asked.get("place") or asked.get("service", ""),
        "message": asked.get("message", ""),
        "reason": asked.get("reason", "") if asked.get("action") == Action.REFUSE else "",
        "seconds": _number(asked.get("seconds")),
        "trigger": trigger,
        "booking": asked.get("booking", "") if scope == "booking" else "",
        "seat": asked.get("seat", "").strip() if scope == "seat" else "",
        "customer": _number(asked.get("customer")) if scope == "customer" else None,
        "only_new": scope == "new" or (scope == "mine" and not visitor),
        "visitor": visitor if scope == "mine" else "",
    }


def _chosen(value: str | None, options: list[str], default: str) -> str:
    return value if value in options else default


def _number(text: str | None) -> Any:
    return number_or_text((text or "0").strip() or "0")
