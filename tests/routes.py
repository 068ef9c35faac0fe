"""Every route of the front door: the pages' from the URL table, the API's from its OpenAPI. No list is kept by hand."""

import re
from collections.abc import Iterator, Mapping
from inspect import isawaitable
from typing import Any, cast

from asgiref.sync import async_to_sync
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

Route = tuple[str, str]
"""(method, path), a parameter in braces: ("POST", "/bookings/{booking}/cancel")"""
DOCUMENTATION = {"/api/docs", "/api/openapi.json", "/"}
"""What the API adds of itself; "/" is the name of its root, and no page."""
LOOKS = {"GET", "HEAD", "OPTIONS"}


def routes() -> list[Route]:
    """All of them. Raises AssertionError for one that does not say its methods, or hides from the documentation."""
    from dashboard.urls import api

    paths = api.get_openapi_schema()["paths"]
    documented = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    pages = []
    for pattern, path, of_the_api in _patterns(get_resolver("dashboard.urls")):
        if of_the_api:
            assert path in paths or path in DOCUMENTATION, f"{path} is of the API, and not in its documentation"
            continue
        allowed = _asked(pattern).get("Allow", "")
        assert allowed, f"{path} takes any method: give it require_GET or require_POST"
        pages += [(method, path) for method in allowed.split(", ")]
    return sorted({*documented, *pages})


def changing() -> list[Route]:
    """Those that may change something."""
    return [(method, path) for method, path in routes() if method not in LOOKS]


def route_of(path: str) -> str:
    """The route that an address of the front door belongs to."""
    match = get_resolver("dashboard.urls").resolve(path.partition("?")[0])
    return braces(f"/{match.route}")


def braces(route: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def _asked(pattern: URLPattern) -> Mapping[str, str]:
    """The headers of the view's answer to a method that no view takes."""
    try:
        answer: Any = pattern.callback(RequestFactory().generic("PROPFIND", "/"))
        return cast(Mapping[str, str], (async_to_sync(_awaited)(answer) if isawaitable(answer) else answer).headers)
    except TypeError:  # it ran, for want of its parameters not far
        return {}


async def _awaited(answer: Any) -> Any:
    return await answer


def _patterns(
    resolver: URLResolver, before: str = "/", of_the_api: bool = False
) -> Iterator[tuple[URLPattern, str, bool]]:
    for one in resolver.url_patterns:
        path = before + braces(str(one.pattern))
        if isinstance(one, URLResolver):
            yield from _patterns(one, path, one.namespace == "front-door")
        else:
            yield one, path, of_the_api
