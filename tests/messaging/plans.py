"""The plans of the statements that really run: which of them read a large table from end to end.

with planned() as plans:
    projector.apply(...)
assert plans.scans() == []
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

LARGE = 1_000  # rows
_PLANNED = ("select", "with", "insert", "update", "delete")


@dataclass
class Plans:
    """`found`: (table, statement) for each sequential scan of a large table. `statements`: how many were planned."""

    found: list[tuple[str, str]] = field(default_factory=list)
    statements: int = 0

    def scans(self) -> list[tuple[str, str]]:
        return self.found

    def add(self, cursor: psycopg.Cursor[Any], query: Any, values: Any) -> None:
        text = query if isinstance(query, str) else bytes(query).decode()
        if not text.lstrip(" \n(").lower().startswith(_PLANNED):
            return
        self.statements += 1
        with type(cursor)(cursor.connection) as other:
            _execute(other, f"explain (format json, costs off) {text}", values)
            ((plan,),) = other.fetchall()
        for table in sorted(set(_scanned(plan[0]["Plan"]))):
            with psycopg.ClientCursor(cursor.connection) as other:
                _execute(other, "select reltuples from pg_class where oid = to_regclass(%s)", [table])
                row = other.fetchone()
            if row and row[0] >= LARGE:
                self.found.append((table, " ".join(text.split())[:200]))


_execute = psycopg.Cursor.execute


@contextmanager
def planned() -> Iterator[Plans]:
    """Collects the plan of each statement of this process as it runs, on whatever connection, with its own values."""
    plans = Plans()

    def execute(self: psycopg.Cursor[Any], query: Any, params: Any = None, **options: Any) -> Any:
        plans.add(self, query, params)
        return _execute(self, query, params, **options)

    def executemany(self: psycopg.Cursor[Any], query: Any, params: Any, **_: Any) -> None:
        for values in params:
            execute(self, query, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute)
        patch.setattr(psycopg.Cursor, "executemany", executemany)
        yield plans
    assert plans.statements, "no statement was planned"


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scanned(child)
