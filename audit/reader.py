"""Reads the services' truth, in an order that makes the comparison valid.

Booking is asked first: only bookings whose saga had ended by then are judged, and nothing about them changes any more.
The views are read next, so that they are never newer than the services' rows read afterwards. If a booking seems to be
in breach, Booking is asked again: a booking that has moved meanwhile (a cancellation) is under way, not wrong.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import httpx
import orjson

from audit.truth import ORCHESTRATOR, Answer, Row, Truth, Views
from audit.verdict import Status, Verdict, judge
from serving.problems import MEDIA_TYPE
from topology.chosen import HOUSE

PARTICIPANTS = tuple(service.name for service in HOUSE.participants)
TIMEOUT = httpx.Timeout(30.0, connect=1.0)


class SilentError(RuntimeError):
    """A service did not return its complete truth; the text is for people."""


def verdict(api_urls: Mapping[str, str], read_views: Callable[[], Views]) -> Verdict:
    """Read everything and judge it. `read_views` may raise SilentError. Never raises for a service that is down. A
    service that is not in `api_urls` is not asked: it is on demand, and stopped.
    """
    return judge(settled(read(api_urls, read_views), api_urls))


def settled(truth: Truth, api_urls: Mapping[str, str]) -> Truth:
    """The same verdict; if it has a breach, computed again with the bookings that have moved meanwhile."""
    if judge(truth).status != Status.VIOLATED:
        return truth
    return replace(truth, moved=_moved(truth, api_urls))


def read(api_urls: Mapping[str, str], read_views: Callable[[], Views]) -> Truth:
    """All rows of the services and of the views. `read_views` may raise SilentError."""
    answers: dict[str, Answer] = {}
    unavailable: dict[str, str] = {}
    views = Views()
    stopped = stopped_services(api_urls)
    if ORCHESTRATOR not in stopped:
        _ask(ORCHESTRATOR, api_urls, answers, unavailable)
    try:
        views = read_views()
    except SilentError as error:
        unavailable["views"] = str(error)
    with ThreadPoolExecutor(len(PARTICIPANTS)) as pool:
        list(pool.map(lambda service: _ask(service, api_urls, answers, unavailable), participants(api_urls)))
    return Truth(answers=answers, views=views, unavailable=unavailable, stopped=stopped)


def stopped_services(api_urls: Mapping[str, str]) -> frozenset[str]:
    """Those that have no address."""
    return frozenset((ORCHESTRATOR, *PARTICIPANTS)) - api_urls.keys()


def participants(api_urls: Mapping[str, str]) -> tuple[str, ...]:
    """The participants to ask."""
    return tuple(service for service in PARTICIPANTS if service in api_urls)


def _ask(service: str, api_urls: Mapping[str, str], answers: dict[str, Answer], unavailable: dict[str, str]) -> None:
    try:
        answers[service] = fetch(service, api_urls[service])
    except SilentError as error:
        unavailable[service] = str(error)


def _moved(truth: Truth, api_urls: Mapping[str, str]) -> frozenset[str]:
    """Bookings that are new, or have changed, since the first reading; none if Booking no longer answers."""
    try:
        again = Truth(answers={ORCHESTRATOR: fetch(ORCHESTRATOR, api_urls[ORCHESTRATOR])})
    except SilentError:
        return frozenset()
    return frozenset(booking for booking in again.bookings if _stood(again, booking) != _stood(truth, booking))


def _stood(truth: Truth, booking: str) -> list[Any]:
    row = truth.bookings.get(booking)
    return [row and row["version"], *sorted((saga["id"], saga["version"]) for saga in truth.sagas.get(booking, ()))]


def fetch(service: str, base_url: str, params: Sequence[tuple[str, str]] = ()) -> Answer:
    """A service's truth, parsed as it arrives. `params`: as serving.truth_api filters it. Raises SilentError."""
    rows: dict[str, list[Row]] = defaultdict(list)
    try:
        with _client().stream("GET", f"{base_url}/api/{service}/truth", params=list(params)) as response:
            if response.status_code != 200:
                raise SilentError(f"{service} does not return its truth: {_problem(response)}")
            for line in _lines(response):
                rows[line["kind"]].append(line)
    except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise SilentError(f"{service} does not answer: {type(error).__name__}") from error
    told, ends = sum(map(len, rows.values())), rows.get("end", [])
    if len(ends) != 1 or "meta" not in rows or told != ends[0]["rows"] + 2:  # meta and end are lines, too
        raise SilentError(f"{service}'s answer broke off after {told} lines")
    return Answer(meta=rows["meta"][0], rows=rows)


@cache
def _client() -> httpx.Client:
    """Keeps no connection: one that died with a restarted service would look like an outage."""
    return httpx.Client(timeout=TIMEOUT, limits=httpx.Limits(max_keepalive_connections=0))


def _lines(response: httpx.Response) -> Iterator[Row]:
    rest = b""
    for chunk in response.iter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        yield from map(orjson.loads, whole)
    if rest:
        yield orjson.loads(rest)


def _problem(response: httpx.Response) -> str:
    response.read()
    if response.headers.get("content-type") == MEDIA_TYPE:
        return str(response.json().get("detail", response.status_code))
    return f"it answered {response.status_code}"
