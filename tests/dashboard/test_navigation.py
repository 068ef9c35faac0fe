"""The groups of the header: each page is in one, and the group of the page that is open says which it is."""

import pytest

from dashboard.navigation import ENTRIES, places

pytestmark = pytest.mark.urls("dashboard.urls")


@pytest.mark.parametrize(
    ("path", "current", "here"),
    [
        ("/", "Stage", ""),
        ("/sales", "Sales", "Records"),
        ("/replay/diagram", "Replay", "Records"),
        ("/lab", "Lab", ""),
        ("/matrix", "Matrix", "Workshop"),
    ],
)
def test_the_page_that_is_open_is_named_in_its_group(path: str, current: str, here: str) -> None:
    groups = places(path)
    assert [place.text for group in groups for place in group.places if place.current] == [current]
    assert [group.text for group in groups if group.text and group.here] == ([here] if here else [])
    assert [place.text for group in groups for place in group.places] == [text for _, text in ENTRIES]
