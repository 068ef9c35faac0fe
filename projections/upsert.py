"""Writes rows of a read model, set-based: one statement per table and batch, each part of a row only if it is newer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from projections.database import PROJECTIONS

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """The columns of a row that one aggregate feeds ({name: SQL type}), and the column that holds its version."""

    version: str
    columns: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a read model: its key and parts. `derived`: {column: SQL}, with the row's own columns as {column}."""

    name: str
    key: dict[str, str]
    parts: tuple[Part, ...]
    derived: dict[str, str] = field(default_factory=dict)

    def write(self, rows: Sequence[Row], *, check: bool = True) -> int:
        """Insert or update rows, each with the key, `caused_by`, and the columns and version of one or more parts.

        Give a key once only. A part is written if its version is newer than the stored one, otherwise it is left alone;
        with `check` off (the control) it is written whatever its version. Returns how many rows changed.
        """
        if not rows:
            return 0
        return PROJECTIONS.run(self._statement(check), [orjson.dumps(rows).decode()])

    def _statement(self, check: bool) -> str:
        types = dict(self.key)
        for part in self.parts:
            types |= part.columns | {part.version: "bigint"}
        types["caused_by"] = "uuid"
        new = {column: f"n.{_quoted(column)}" for column in types}
        newer = [_newer(part.version, check) for part in self.parts]
        stored = {column: f"excluded.{_quoted(column)}" for column in types}
        for part, is_newer in zip(self.parts, newer, strict=True):
            for column in (*part.columns, part.version):
                quoted = _quoted(column)
                stored[column] = f"case when {is_newer} then excluded.{quoted} else o.{quoted} end"
        for column, expression in self.derived.items():
            new[column], stored[column] = expression.format_map(new), expression.format_map(stored)
        updates = ", ".join(
            f"{_quoted(column)} = {value}" for column, value in stored.items() if column not in self.key
        )
        return f"""
            insert into {self.name} as o ({", ".join(map(_quoted, new))})
            select {", ".join(new.values())}
            from jsonb_to_recordset(%s::jsonb) as n ({", ".join(f"{_quoted(c)} {kind}" for c, kind in types.items())})
            on conflict ({", ".join(map(_quoted, self.key))}) do update set {updates}
            where {" or ".join(newer)}
        """


def _newer(version: str, check: bool) -> str:
    column = _quoted(version)
    if not check:
        return f"excluded.{column} is not null"
    return f"excluded.{column} > coalesce(o.{column}, -1)"


def _quoted(column: str) -> str:
    return f'"{column}"'


class Fold:
    """Collects the parts of rows from a batch of events: of one part's versions only the newest stays. With `check` off
    the last one stays, whatever its version.
    """

    def __init__(self, *, check: bool) -> None:
        self.check = check
        self._rows: dict[Any, Row] = {}

    def put(self, key: Row, version_column: str, version: int, columns: Row, event_id: str) -> None:
        row = self._rows.setdefault(tuple(key.values()), dict(key))
        if self.check and version <= row.get(version_column, -1):
            return
        row.update(columns)
        row[version_column] = version
        row["caused_by"] = event_id

    def rows(self) -> list[Row]:
        """The rows in the order of their keys, which is the order of their locks."""
        return [self._rows[key] for key in sorted(self._rows)]
