"""Template helpers: money, seats, short ids, and the header's navigation."""

import re
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from dashboard.navigation import Group, places
from drawing import durations
from drawing.money import money
from drawing.seat import seat
from messaging.typed_text import isolated

HYPHENED = re.compile(r"\w+-\w[\w-]*")

register = template.Library()
register.filter(money)
register.simple_tag(seat)
register.filter(isolated)


@register.filter
def short(identifier: object) -> str:
    """The last eight characters of an id: the random end of a UUIDv7, since all ids of the same minute begin alike."""
    return str(identifier)[-8:]


@register.filter
def whole_names(text: str) -> SafeString:
    """The text, in which a name with a hyphen ("A-14") is not broken at it."""
    return mark_safe(HYPHENED.sub(r'<span class="whole-name">\g<0></span>', escape(text)))  # noqa: S308


@register.filter
def lasting(milliseconds: float) -> str:
    return durations.lasting(milliseconds / 1000)


@register.filter
def left(moment: str) -> str:
    """The seconds from now until an ISO 8601 moment, 0 if it is past: what a countdown begins with."""
    until = datetime.fromisoformat(str(moment))
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return f"{max((until - datetime.now(UTC)).total_seconds(), 0):.0f}"


@register.filter
def sentence(text: str) -> str:
    """A title that is followed by more text: ended like a sentence, so that the two do not run together."""
    return text if not text or text[-1] in ".:!?…" else f"{text}."


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, for a loop over a fixed few."""
    return text.split()


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[Group]:
    """The header's entries, in their groups, for the page that is being rendered."""
    return places(context["request"].path)
