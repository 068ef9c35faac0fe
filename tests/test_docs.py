"""The documents name what is there: links, headings, files, modules; and the process table is the list of what runs."""

import re
import tomllib
from fnmatch import fnmatch
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from topology.processes import PROCESSES

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
PAGES = [ROOT / "README.md", ROOT / "GLOSSARY.md", *sorted(DOCS.rglob("*.md"))]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
ROOMS = [*CONTRACTS["root_packages"], "docs", "static", "templates", "tests"]

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(rf"(?<![\w/.>}}-])((?:{'|'.join(ROOMS)})/[\w./*-]*)")
MODULE = re.compile(rf"(?<![\w/.-])((?:{'|'.join(CONTRACTS['root_packages'])})(?:\.\w+)+)(?![\w/])")
BARE = re.compile(r"[\w-]+\.(?:py|js|css|sh)")
IN_FILE = re.compile(r"`([\w/.-]+\.py)` \(`([\w.]+)`")  # `seats/models.py` (`Hold`)

each_page = pytest.mark.parametrize("doc", PAGES, ids=lambda doc: str(doc.relative_to(ROOT)))
each_decision = pytest.mark.parametrize("doc", DECISIONS, ids=lambda doc: doc.stem)


@cache
def file_names() -> frozenset[str]:
    return frozenset(path.name for room in ROOMS for path in (ROOT / room).rglob("*.*"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def is_there(link: str, page: Path) -> bool:
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in anchors(target))


def is_module(dotted: str) -> bool:
    """A module, a package, or a name in one."""
    place = ROOT.joinpath(*dotted.split("."))
    if place.is_dir() or place.with_suffix(".py").is_file():
        return True
    holder = next(
        (path for path in (place.parent.with_suffix(".py"), place.parent / "__init__.py") if path.is_file()), None
    )
    return holder is not None and re.search(rf"\b{place.name}\b", holder.read_text()) is not None


@each_page
def test_each_relative_link_leads_somewhere(doc: Path) -> None:
    links = [link for link in LINK.findall(doc.read_text()) if not re.match(r"[a-z]+:", link)]
    assert not [link for link in links if not is_there(link, doc)]


@each_page
def test_each_file_and_module_that_a_page_names_exists(doc: Path) -> None:
    text = doc.read_text()
    spans = SPAN.findall(text)
    paths = {path.rstrip(".") for path in PATH.findall(text)}
    missing = {path for path in paths if not any(ROOT.glob(path.rstrip("/")))}
    missing |= {dotted for span in spans for dotted in MODULE.findall(span) if not is_module(dotted)}
    missing |= {span for span in spans if BARE.fullmatch(span)} - file_names()
    missing |= {
        f"{path} ({name})"
        for path, name in IN_FILE.findall(text)
        if (ROOT / path).is_file() and not re.search(rf"\b{name.rpartition('.')[2]}\b", (ROOT / path).read_text())
    }
    assert not missing


def test_the_process_table_is_the_list_of_processes() -> None:
    """A row's pattern means all processes that no other row names more exactly."""
    told = (DOCS / "architecture.md").read_text().partition("## The processes")[2].partition("## Who")[0]
    rows = re.findall(r"^\| `([\w*-]+)` \| (\d+) \|", told, re.MULTILINE)
    exact_first = sorted((pattern for pattern, _ in rows), key=lambda pattern: "*" in pattern)
    names = [next((row for row in exact_first if fnmatch(one.name, row)), one.name) for one in PROCESSES]
    assert {row: int(number) for row, number in rows} == {row: names.count(row) for row in names}
    assert f"{sum(bool(one.service) for one in PROCESSES)} of the {len(PROCESSES)} run Django" in told


def test_the_picture_of_the_rooms_has_every_package_in_the_layers_that_the_linter_checks() -> None:
    told = (DOCS / "architecture.md").read_text().partition("## The rooms")[2].partition("## What happens")[0]
    listing, _, layers = told.partition("Who may import what")
    assert {room for room in CONTRACTS["root_packages"] if f"    {room}/" not in listing} == set()
    declared = next(one["layers"] for one in CONTRACTS["contracts"] if one["type"] == "layers")
    lines = layers.splitlines()
    at = [next(i for i, line in enumerate(lines) if line.strip().startswith(layer)) for layer in declared]
    assert all(above < below for above, below in pairwise(at))


def test_the_architecture_can_be_read_in_one_sitting() -> None:
    assert len((DOCS / "architecture.md").read_text().splitlines()) <= 120


@each_decision
def test_a_decision_has_its_parts_and_a_place_in_the_index(doc: Path) -> None:
    text = doc.read_text()
    parts = ["Context", "Options", "Decision", "Consequences", "Where in the code"]
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == parts
    assert text.startswith(f"# {int(doc.stem[:2])}. ")
    assert 20 <= len(text.splitlines()) <= 60
    assert f"({doc.name})" in (DOCS / "decisions" / "README.md").read_text()
    assert f"decisions/{doc.name})" in (DOCS / "architecture.md").read_text()
