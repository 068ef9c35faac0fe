"""Which function runs in a local transaction, and which test covers it. The tests compare this table with the code:
each function exists, and its test, run in the suite, really calls it (tests/covering.py)."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from drawing.present import SAGAS, VIEWS
from topology.chosen import HOUSE
from topology.contract import contract
from topology.shown import Work, shown_of


@dataclass(frozen=True, slots=True)
class Source:
    """A function's text and its place."""

    path: str
    line: int
    text: str


LETTER = "dead letter"
WORK = {
    LETTER: Work(
        "messaging.inbox.dead_letters.record",
        "tests/payments/test_payments.py::test_an_unknown_token_is_a_dead_letter_and_takes_nothing",
    ),
    **{what: work for service in HOUSE.every_service for what, work in shown_of(service).work.items()},
}
"""What ran -> the function that ran it: the library's, and what each room declares."""
_BEGINNINGS = {
    *contract(HOUSE.orchestrator).commands,
    *(report for service in HOUSE.participants for report in contract(service).reports),
} & WORK.keys()
"""Messages that begin something: no other message is their cause."""


def work_of(entry: dict[str, Any], messages: Sequence[dict[str, Any]]) -> Work | None:
    """Derived from what a transaction wrote; `messages`: the outbox rows it inserted. None if no rule fits, as for
    observations."""
    if entry["kind"] != "transaction":
        return None
    if entry["service"] in VIEWS:
        return WORK["view"]
    for message in messages:
        if message["kind"] == "reply":
            command = message["type"].removesuffix("Reply")
            return WORK.get(f"{command} {message.get('action')}") or WORK.get(command)
    if not entry["causes"]:
        for message in messages:
            if message["type"] in _BEGINNINGS:
                return WORK[message["type"]]
    tables = {change["table"] for change in entry["changes"]}
    if SAGAS in tables or "booking_sagalog" in tables:
        return WORK["orchestrator"]
    if any(table.endswith("_deadletter") for table in tables):
        return WORK[LETTER]
    return None


@cache
def source(function: str) -> Source:
    """The text of a function or method, read from its module's file. Raises LookupError if there is none."""
    names = function.split(".")
    for length in range(len(names) - 1, 0, -1):
        module = ".".join(names[:length])
        try:
            spec = find_spec(module)
        except ModuleNotFoundError:
            continue
        if spec is not None and spec.origin:
            path = Path(spec.origin)
            text = path.read_text()
            node = _find(ast.parse(text), names[length:])
            if node is None:
                raise LookupError(f"{module} has no {'.'.join(names[length:])}")
            lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
            return Source(str(path.relative_to(settings.BASE_DIR)), node.lineno, "\n".join(lines))
    raise LookupError(f"there is no module for {function}")


def _find(tree: ast.AST, names: Sequence[str]) -> ast.FunctionDef | None:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == names[0]:
            if len(names) > 1:
                return _find(node, names[1:])
            return node if isinstance(node, ast.FunctionDef) else None
    return None
