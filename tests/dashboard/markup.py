"""Comparing markup however its lines are broken."""

import re


def compact(html: str) -> str:
    """The text with single spaces, and none beside a tag or before its end. What is compared with it is made compact too."""
    return re.sub(r" ?(<[^>]*?) ?(/?>) ?", r"\1\2", re.sub(r"\s+", " ", html))
