"""What is served as a file: without the headers of a document where it can be none."""

from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

DOCUMENTS = ("Content-Security-Policy", "X-Frame-Options")


def headers(path: str) -> Any:
    answer = Client().get(f"/static/{path}")
    assert answer.status_code == 200
    return answer.headers


@pytest.mark.parametrize("path", ["stage/stage.css", "stage/stage.js", "django_htmx/htmx-2.min.js"])
def test_a_part_of_a_page_says_only_what_it_is(path: str) -> None:
    found = headers(path)
    assert not set(DOCUMENTS) & set(found)
    assert found["X-Content-Type-Options"] == "nosniff"


def test_what_can_be_opened_by_itself_is_guarded_like_a_page() -> None:
    """The control: the headers are there for all else."""
    assert "config.static.StaticFiles" in configured.MIDDLEWARE
    found = headers("base/icon.svg")
    assert set(DOCUMENTS) <= set(found)
