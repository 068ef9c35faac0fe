"""Template helpers: money, seats, short ids, and the header's navigation."""

from typing import Any

from django import template

from dashboard.navigation import Place, places
from drawing import durations
from drawing.money import money
from drawing.seat import seat
from messaging.typed_text import isolated

register = template.Library()
register.filter(money)
register.simple_tag(seat)
register.filter(isolated)


@register.filter
def short(identifier: object) -> str:
    """The last eight characters of an id: the random end of a UUIDv7, since all ids of the same minute begin alike."""
    return str(identifier)[-8:]


@register.filter
def lasting(milliseconds: float) -> str:
    return durations.lasting(milliseconds / 1000)


@register.filter
def sentence(text: str) -> str:
    """A title that is followed by more text: ended like a sentence, so that the two do not run together."""
    return text if not text or text[-1] in ".:!?…" else f"{text}."


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, for a loop over a fixed few."""
    return text.split()


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[Place]:
    """The header's entries, for the page that is being rendered."""
    return places(context["request"].path)
