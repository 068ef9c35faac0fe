"""A browser that translates the page leaves alone what has one name in every language: code, states, tables, lanes."""

import re
from pathlib import Path

import pytest

TEMPLATES = sorted((Path(__file__).resolve().parents[2] / "templates").rglob("*.html"))
NAMED = re.compile(
    r'<code[^>]*>|<\w+[^>]*class="state"[^>]*>|<svg (?:id="(?:lanes|diagram)-svg"|class="lanes-names")[^>]*>'
    r'|<span id="lag-[^>]*>|<ol id="feed"[^>]*>'
)
ROWS = ("tables.html", "entry.html", "console.html")  # tables of a database's own words


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_what_is_not_to_be_translated_says_so(template: Path) -> None:
    text = template.read_text()
    tables = re.findall(r"<table[^>]*>", text) if template.name in ROWS else []
    for tag in (*NAMED.findall(text), *tables):
        assert 'translate="no"' in tag, tag
