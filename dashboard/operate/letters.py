"""The letters on the page /operate: a page of each service's, their number, and a person's decision on many."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from drawing.present import SERVICE_NAMES
from gateway.clients import ServiceDown, in_words
from gateway.operate_api import ask

SERVICES = tuple(SERVICE_NAMES)
SHOWN = 50
MANY = {"retry": "{done} messages are sent again.", "discard": "{done} messages are discarded."}


def page(service: str, after: str = "") -> dict[str, Any]:
    """{"service", "service_name", "letters", "total", "until", "next"}: the open letters after a place, the latest first.

    `until`: the time of the newest, on the first page; `next`: the address of the next page, "" on the last. Raises
    ServiceDown, httpx.HTTPStatusError.
    """
    params = {"limit": SHOWN, **({"after": after} if after else {})}
    answer = ask("GET", service, f"/api/{service}/dead-letters", params=params).raise_for_status()
    found = answer.json()
    return {
        "service": service,
        "service_name": SERVICE_NAMES[service],
        "letters": [shaped(service, letter) for letter in found],
        "total": int(answer.headers.get("X-Total-Count", len(found))),
        "until": found[0]["updated_at"] if found and not after else "",
        "next": _next(service, answer),
    }


def _next(service: str, answer: httpx.Response) -> str:
    url = answer.links.get("next", {}).get("url", "")
    after = parse_qs(urlsplit(url).query).get("after", [""])[0]
    return f"/operate?{urlencode({'service': service, 'after': after})}" if after else ""


def of_booking(booking: str, services: Iterable[str] = SERVICES) -> tuple[list[dict[str, Any]], list[str]]:
    """The dead letters of these services that concern a booking, and the names of the services that did not answer."""
    letters, down = [], []
    for service in services:
        try:
            params = {"booking_id": booking}
            found = ask("GET", service, f"/api/{service}/dead-letters", timeout=1.5, params=params)
            letters += [shaped(service, letter) for letter in found.raise_for_status().json()]
        except (ServiceDown, httpx.HTTPStatusError):
            down.append(SERVICE_NAMES[service])
    return letters, down


def shaped(service: str, letter: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(letter["envelope"].get("data"), indent=1, ensure_ascii=False)
    return {**letter, "service": service, "service_name": SERVICE_NAMES[service], "data": data}


def settle(service: str, verb: str, decision: dict[str, str], ids: list[str], until: str) -> tuple[str, str]:
    """Decide on these letters, or with `until` on all that existed then. (title, text); the title is "" if all went
    well. Repeats the request, from the newest to the oldest, until none is left. Raises ServiceDown.
    """
    which: dict[str, Any] = {"which": {}, "until": until} if until else {"ids": ids}
    if not until and not ids:
        return "No letter is selected", "Tick some letters, or decide on all of them."
    done, more = 0, True
    refused: list[dict[str, str]] = []
    while more:
        answer = ask("POST", service, f"/api/{service}/dead-letters/{verb}", json={**decision, **which})
        if answer.status_code != 200:
            problem = in_words(answer, "Refused")
            before = f"{MANY[verb].format(done=done)} Then: " if done else ""
            return problem["title"], before + problem["detail"]
        found = answer.json()
        done, refused = done + found["done"], refused + found["refused"]
        which["after"], more = found["next"], bool(found["next"])
    text = MANY[verb].format(done=done)
    if refused:
        return f"{len(refused)} would fail again", f"{text} The first of the others: {refused[0]['detail']}"
    return "", text
