"""The entries of the header's navigation."""

from dataclasses import dataclass

from django.urls import reverse

ENTRIES = (
    ("index", "Stage"),
    ("bookings", "Bookings"),
    ("customers", "Customers"),
    ("sales", "Sales"),
    ("replay", "Replay"),
    ("console", "Console"),
    ("operate", "Operate"),
    ("matrix", "Matrix"),
    ("front-door:openapi-view", "API"),
)
"""(URL name, label), in the order of the header."""


@dataclass(frozen=True, slots=True)
class Place:
    """One entry; `current`: the page that is open is this one, or is below it."""

    url: str
    text: str
    current: bool


def places(path: str) -> list[Place]:
    """The entries of the header of the page at `path`."""
    urls = [(reverse(name), text) for name, text in ENTRIES]
    return [Place(url, text, path == url or (url != "/" and path.startswith(f"{url}/"))) for url, text in urls]
