"""Reads a part of the truth: all rows about some bookings, seats and customers, in the order that makes the comparison
valid.

The order is that of audit.reader, for each booking: Booking first, then the views, then the participants. The rows may
lead to others that have to be judged together with them (a seat's row names another booking); these are read in another
round.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from audit.reader import PARTICIPANTS, SilentError, fetch, participants, stopped_services
from audit.running.scope import Scope
from audit.truth import ORCHESTRATOR, TELLER, Answer, Row, Truth, Views
from topology.chosen import HOUSE

AT_ONCE = 200  # ids, or names, in one request (serving/truth_api.py)
ROUNDS = 3
NOBODY = "00000000-0000-0000-0000-000000000000"
ReadViews = Callable[[Scope], Views]
Params = list[tuple[str, str]]


def read(
    api_urls: Mapping[str, str], scope: Scope, read_views: ReadViews, rivals: Callable[[Truth, Scope], Scope]
) -> tuple[Truth, Scope]:
    """The rows of `scope`, and of everything that has to be judged together with it; and the complete scope that was
    read. `rivals`: further ones that the caller knows. Never raises for a service that is down.
    """
    truth, whole = _round(api_urls, scope, read_views)
    for _ in range(ROUNDS - 1):
        more = (_named(truth) | rivals(truth, whole)) - whole
        if not more or truth.unavailable:
            break
        found, more = _round(api_urls, more, read_views)
        truth, whole = _joined(truth, found), whole | more
    return _narrowed(truth, whole), whole


def _round(api_urls: Mapping[str, str], scope: Scope, read_views: ReadViews) -> tuple[Truth, Scope]:
    answers: dict[str, Answer] = {}
    unavailable: dict[str, str] = {}
    views = Views()

    def ask(service: str) -> None:
        try:
            answers[service] = _fetch(service, api_urls[service], scope)
        except SilentError as error:
            unavailable[service] = str(error)

    stopped = stopped_services(api_urls)
    if ORCHESTRATOR not in stopped:
        ask(ORCHESTRATOR)
    scope |= _booked(answers.get(ORCHESTRATOR, Answer()))
    try:
        views = read_views(scope)
    except SilentError as error:
        unavailable["views"] = str(error)
    with ThreadPoolExecutor(len(PARTICIPANTS)) as pool:
        list(pool.map(ask, participants(api_urls)))
    return Truth(answers=answers, views=views, unavailable=unavailable, stopped=stopped), scope


def _booked(answer: Answer) -> Scope:
    """The seats of the bookings that were read."""
    return Scope(
        seats=frozenset(f"{row['performance_id']}/{label}" for row in answer.of("booking") for label in row["seats"])
    )


def _named(truth: Truth) -> Scope:
    """The bookings for which seats are taken, and these seats: a booking whose row is gone names none."""
    taken = [row for row in truth.of("seat") if row["booking_id"]]
    seats = frozenset(f"{row['performance_id']}/{row['label']}" for row in taken)
    return Scope(bookings=frozenset(row["booking_id"] for row in taken), seats=seats)


def _fetch(service: str, base_url: str, scope: Scope) -> Answer:
    """Raises SilentError. The service is asked even if the scope has nothing of it: it may be down."""
    kinds = HOUSE.service(service).truth
    names = sorted(
        (scope.seats if "seat" in kinds else frozenset()) | (scope.customers if "customer" in kinds else frozenset())
    )
    pages = zip_pages(sorted(scope.bookings), names)
    return _in_one([fetch(service, base_url, params) for params in pages])


def zip_pages(bookings: Sequence[str], names: Sequence[str]) -> list[Params]:
    """Requests for this many; at least one."""
    pages: list[Params] = []
    for begin in range(0, max(len(bookings), len(names), 1), AT_ONCE):
        params = [("booking", one) for one in bookings[begin : begin + AT_ONCE] or [NOBODY]]
        pages.append([*params, *(("name", one) for one in names[begin : begin + AT_ONCE])])
    return pages


def _in_one(answers: Sequence[Answer]) -> Answer:
    """Combined: the first moment decides what is late, the last what has been written."""
    rows: dict[str, list[Row]] = {}
    for answer in answers:
        for kind, found in answer.rows.items():
            rows.setdefault(kind, []).extend(found)
    meta = {**answers[-1].meta, "at": answers[0].meta["at"]}
    return Answer(meta=meta, rows={kind: _newest(kind, found) for kind, found in rows.items()})


def _newest(kind: str, rows: Iterable[Row]) -> list[Row]:
    """Each row once. A seat's, or a customer's, may have been returned for a booking and by name, and again in a later
    round."""
    if kind == "seat":
        return list({(row["performance_id"], row["label"]): row for row in rows}.values())
    if kind == "customer":
        return list({row["id"]: row for row in rows}.values())
    return list(rows)


def _joined(first: Truth, second: Truth) -> Truth:
    services = first.answers.keys() & second.answers.keys()
    answers = {name: _in_one([first.answers[name], second.answers[name]]) for name in services}
    views: dict[str, Any] = {
        name: {**getattr(first.views, name), **getattr(second.views, name)} for name in Views.__dataclass_fields__
    }
    views["checkpoints"] = first.views.checkpoints  # those of the second round might show more than the first round saw
    unavailable = {**first.unavailable, **second.unavailable}
    return Truth(answers=answers, views=Views(**views), unavailable=unavailable, stopped=first.stopped)


def _narrowed(truth: Truth, scope: Scope) -> Truth:
    """Without seats that were not requested: for these the view was not read."""
    teller = TELLER["seat"]
    answer = truth.answers.get(teller)
    if answer is None:
        return truth
    seats = [row for row in answer.of("seat") if f"{row['performance_id']}/{row['label']}" in scope.seats]
    return replace(truth, answers={**truth.answers, teller: replace(answer, rows={**answer.rows, "seat": seats})})
