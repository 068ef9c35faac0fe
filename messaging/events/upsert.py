"""Writes rows that follow other services' events, set-based: one statement per table and batch, each part only if it is newer.

The room that owns the rows declares its tables and hands in its database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from messaging.database import Database

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """The columns of a row that one aggregate feeds ({name: SQL type}), and the column that holds its version.

    `incomplete`: SQL over the stored row, its columns as {column}. A row for which it is true takes any version: an older
    program wrote it without some of these columns.
    """

    version: str
    columns: dict[str, str]
    incomplete: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: its key and parts. `derived`: {column: SQL}, with the row's own columns as {column}.

    `caused_by`: whether a column of that name holds the ids of the events that the last write applied.
    """

    name: str
    key: dict[str, str]
    parts: tuple[Part, ...]
    derived: dict[str, str] = field(default_factory=dict)
    caused_by: bool = True

    def write(self, db: Database, rows: Sequence[Row], *, check: bool = True) -> int:
        """Insert or update rows, each with the key, `caused_by`, and the columns and version of one or more parts.

        Give a key once only. A part is written if its version is newer than the stored one, otherwise it is left alone;
        with `check` off (the control) it is written whatever its version. Returns how many rows changed.
        """
        if not rows:
            return 0
        return db.run(self._statement(check), [orjson.dumps(rows).decode()])

    def _statement(self, check: bool) -> str:
        types = dict(self.key)
        for part in self.parts:
            types |= part.columns | {part.version: "bigint"}
        if self.caused_by:
            types["caused_by"] = "uuid[]"
        new = {column: f"n.{_quoted(column)}" for column in types}
        newer = [_newer(part, check) for part in self.parts]
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


def _newer(part: Part, check: bool) -> str:
    version = _quoted(part.version)
    if not check:
        return f"excluded.{version} is not null"
    newer = f"excluded.{version} > coalesce(o.{version}, -1)"
    if not part.incomplete:
        return newer
    incomplete = part.incomplete.format_map({column: f"o.{_quoted(column)}" for column in part.columns})
    return f"({newer} or excluded.{version} is not null and ({incomplete}))"


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
        row.setdefault("caused_by", []).append(event_id)

    def rows(self) -> list[Row]:
        """The rows in the order of their keys, which is the order of their locks."""
        return [self._rows[key] for key in sorted(self._rows)]
