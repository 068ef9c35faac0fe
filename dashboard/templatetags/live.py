"""`{% journal_line entry %}`: a line of the log, the same as the socket sends."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from drawing.line import line

register = template.Library()


@register.simple_tag
def journal_line(entry: dict[str, Any], named: bool = True) -> SafeString:
    """`named=False` for a line outside the log, which must not have its id a second time."""
    return line(entry, named)
