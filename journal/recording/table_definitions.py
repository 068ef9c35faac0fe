"""The tables' definitions during a run, as the logs announce them: names, types, primary key."""

from __future__ import annotations

from typing import Any

from psycopg.postgres import types

from messaging.wal import Relation, Transaction, Truncate
from topology.chosen import HOUSE

Definition = dict[str, Any]
"""{"columns": [[name, type]], "key": [name]}"""


class Definitions:
    """Collects new definitions; `take` returns each once, to be stored with the entries that need it."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], Relation] = {}
        self._new: dict[str, dict[str, Definition]] = {}

    def note(self, alias: str, transaction: Transaction) -> None:
        """Note the definitions of a transaction's tables. A log announces a table again when it has changed, and after
        a reconnection."""
        for change in transaction.changes:
            for relation in change.relations if isinstance(change, Truncate) else (change.relation,):
                known = self._seen.get((alias, relation.oid))
                if known is not relation:
                    self._seen[alias, relation.oid] = relation
                    if known != relation:
                        service = HOUSE.owner(alias, relation.table)
                        self._new.setdefault(service, {})[relation.table] = definition(relation)

    def take(self) -> dict[str, dict[str, Definition]]:
        """service -> table -> definition, of what has changed since the last call."""
        new, self._new = self._new, {}
        return new


def definition(relation: Relation) -> Definition:
    columns = [[column.name, _type(column.type_oid)] for column in relation.columns]
    return {"columns": columns, "key": list(relation.key)}


def _type(oid: int) -> str:
    """PostgreSQL's name of a built-in type (catalogue names: int8, text, _text for an array); else its number."""
    found = types.get(oid)
    if found is None:
        return str(oid)
    return f"_{found.name}" if oid == found.array_oid else found.name
