"""The entries of the header's navigation."""

from dataclasses import dataclass

from django.urls import reverse

GROUPS = (
    ("", (("index", "Stage"),)),
    ("Records", (("bookings", "Bookings"), ("customers", "Customers"), ("sales", "Sales"), ("replay", "Replay"))),
    ("", (("lab", "Lab"),)),
    (
        "Workshop",
        (("console", "Console"), ("operate", "Operate"), ("matrix", "Matrix"), ("front-door:openapi-view", "API")),
    ),
)
"""(label of a menu, or "" for a link of its own; its (URL name, label)), in the order of the header."""
ENTRIES = tuple(entry for _, entries in GROUPS for entry in entries)


@dataclass(frozen=True, slots=True)
class Place:
    """One entry; `current`: the page that is open is this one, or is below it."""

    url: str
    text: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one label; `text` is "" for an entry that stands in the header itself. `here`: the label of the
    entry that is current, else ""."""

    text: str
    places: list[Place]

    @property
    def here(self) -> str:
        return next((place.text for place in self.places if place.current), "")


def places(path: str) -> list[Group]:
    """The groups of the header of the page at `path`."""
    return [Group(text, [_place(path, name, label) for name, label in entries]) for text, entries in GROUPS]


def _place(path: str, name: str, label: str) -> Place:
    url = reverse(name)
    return Place(url, label, path == url or (url != "/" and path.startswith(f"{url}/")))
