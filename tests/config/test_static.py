"""What is served as a file: without the headers of a document where it can be none. And what our scripts do around a swap."""

import re
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


def test_what_happens_around_a_swap_is_in_one_list_whose_steps_are_where_it_says() -> None:
    scripts = {file.name: file.read_text() for file in (configured.BASE_DIR / "static").rglob("*.js")}
    order = re.findall(r'^    "(\w+)", // (\w+\.js):', scripts["swap.js"], re.MULTILINE)
    steps = [
        (step, name) for name, text in scripts.items() for step in re.findall(r'^atSwap\("(\w+)"', text, re.MULTILINE)
    ]
    assert len(order) > 10
    assert sorted(steps) == sorted(order)


def test_no_other_script_listens_to_the_swaps_of_a_page() -> None:
    """One that listens on an element of its own may: it hears of no other's."""
    listens = re.compile(r'(.*)\.addEventListener\("htmx:(?:beforeSwap|afterSwap|afterSettle)"')
    places = {
        (file.name, place.strip())
        for file in (configured.BASE_DIR / "static").rglob("*.js")
        for place in listens.findall(file.read_text())
    }
    own = {("swap.js", "target"), ("verdict.js", "bar"), ("upload.js", 'document.getElementById("import-progress")')}
    assert places == own
