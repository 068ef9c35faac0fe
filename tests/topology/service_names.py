"""Finding literal names of services in the product's syntax trees, where the house should have been asked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.house import HOUSE

ROOT = Path(__file__).parents[2]
NAMES = frozenset(service.name for service in HOUSE.every_service)
OUTSIDE = ("bench", "lab", "proofs", "tests", "booking/saga")
"""Where names may stand: what compares, proves and tests, and the sagas, which say whom they ask."""
KEYWORDS = frozenset(
    {"alias", "databases", "destination", "instance", "queue", "role", "service", "source", "stream", "using"}
)
TABLES = re.compile(r"(connections|DATABASES|_URLS|_urls|answers|tables)$")
"""What is looked up by a service or an alias."""
ASKING = re.compile(r"^(Database|_?(ask|call|fetch|get_json|get_model|hand_over|row|rows|act)|ServiceDown)$")
"""Functions whose first words say whom they ask, or whose rows they read."""
WHOSE = re.compile(r"service|alias|source|destination|database|SERVICE", re.ASCII)
LISTS = re.compile(r"(SERVICES|ALIASES|INSTANCES|PARTICIPANTS|SERVICE_NAMES|services|aliases|instances|participants)$")
_ANY = "|".join(sorted(NAMES))
MADE_OF = re.compile(rf"(events\.({_ANY})|(worker|relay|api|sweeper|postgres)-({_ANY})|({_ANY})_(relay|console))")
"""Streams, programs and roles that are called by a service."""


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def findings() -> list[Finding]:
    """All in the product's modules, by file and line."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith((".", "staticfiles")) or name.startswith(tuple(f"{one}/" for one in OUTSIDE)):
            continue
        if "/migrations/" not in name:
            found += in_text(path.read_text(), name)
    return found


def in_text(text: str, path: str) -> list[Finding]:
    """Those of one module. A room may say its own service's name."""
    others = NAMES - {path.split("/")[0]}
    return sorted({Finding(path, node.lineno, what) for node, what in _walk(ast.parse(text), others)})


def _walk(tree: ast.AST, names: frozenset[str]) -> Iterator[tuple[ast.expr, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg=str(word), value=value) if word in KEYWORDS:
                yield from ((one, f"{word}={one.value!r}") for one in _named(value, names))
            case ast.Assign(targets=[ast.Name(id=word)], value=ast.Constant() as value):
                yield from ((one, f"{word} = {one.value!r}") for one in _named(value, names))
            case ast.Assign(targets=[ast.Tuple(elts=words)], value=ast.Tuple() as value):
                for target, one in zip(words, value.elts, strict=False):
                    yield from ((found, f"{ast.unparse(target)} = {found.value!r}") for found in _named(one, names))
            case ast.Subscript(value=base, slice=ast.Slice()) if LISTS.search(ast.unparse(base)):
                yield node, f"a slice of {ast.unparse(base)}"
            case ast.Subscript(value=base, slice=key) if TABLES.search(ast.unparse(base)):
                yield from ((one, f"{ast.unparse(base)}[{one.value!r}]") for one in _named(key, names))
            case ast.Call(func=function, args=words) if ASKING.match(_last(function)):
                yield from (
                    (one, f"{_last(function)}({one.value!r})") for word in words[:2] for one in _named(word, names)
                )
            case ast.Call(func=ast.Attribute(value=base, attr="get"), args=[key, *_]) if TABLES.search(
                ast.unparse(base)
            ):
                yield from ((one, f"{ast.unparse(base)}.get({one.value!r})") for one in _named(key, names))
            case ast.Compare(left=left, comparators=rights) if WHOSE.search(ast.unparse(node)):
                yield from ((one, ast.unparse(node)) for side in (left, *rights) for one in _named(side, names))
            case ast.MatchValue(value=value):
                yield from ((one, f"case {one.value!r}") for one in _named(value, names))
            case ast.Dict(keys=keys):
                yield from _table([key for key in keys if key], names)
            case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
                yield from _table(elements, names)
            case ast.Constant(value=str(text)) if MADE_OF.fullmatch(text) and any(name in text for name in names):
                yield node, repr(text)


def _named(node: ast.AST, names: frozenset[str]) -> Iterator[ast.Constant]:
    elements = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    yield from (one for one in elements if isinstance(one, ast.Constant) and one.value in names)


def _table(elements: list[ast.expr], names: frozenset[str]) -> Iterator[tuple[ast.expr, str]]:
    """Of two services or more: one alone may be a field, as `seats` is one of a booking."""
    found = [one for one in elements if isinstance(one, ast.Constant) and one.value in names]
    if len(found) > 1:
        yield found[0], f"a table of {', '.join(str(one.value) for one in found)}"


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
