"""Pages with a form of filters: for htmx only the result, with the URL that the browser should show for it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse


def address(page: str, given: Mapping[str, object]) -> str:
    """The URL of the page with this name; without the parameters that are empty."""
    query = {name: value for name, value in given.items() if value != ""}
    return f"{reverse(page)}?{urlencode(query)}" if query else reverse(page)


def answer(
    request: HttpRequest, template: str, part: str, context: dict[str, Any], *, url: str, status: int = 200
) -> HttpResponse:
    """The whole page with `status`; for htmx the template's `part` with 200, because htmx does not draw an error."""
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, template, context, status=status)
    response = render(request, f"{template}#{part}", context)
    response["HX-Push-Url"] = url
    return response
