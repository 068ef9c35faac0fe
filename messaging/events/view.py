"""The definition of a view: the tables it fills from events, and a function for each type of event that changes them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from messaging.database import Database
from messaging.envelope import check_major
from messaging.events.upsert import Fold, Table

MAJOR = 1  # of every event's contract
Folds = Mapping[str, Fold]
"""Table name -> the rows collected for it."""
Project = Callable[[Mapping[str, Any], Folds], None]


@dataclass(frozen=True, kw_only=True)
class View:
    """A read model, or a replica. `events` maps (source, event type) to what it changes; other events do not concern the view.

    A function raises KeyError, TypeError or ValueError for an event that lacks what it needs; unknown fields are
    ignored. An event of a newer major version raises NewerContractError, which is a ValueError.
    """

    name: str
    tables: tuple[Table, ...]
    events: Mapping[tuple[str, str], Project]

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose events concern it."""
        return tuple(dict.fromkeys(source for source, _ in self.events))

    def concerns(self, envelope: Mapping[str, Any]) -> bool:
        return _key(envelope) in self.events

    def write(self, db: Database, envelopes: Sequence[Mapping[str, Any]], *, check: bool = True) -> int:
        """Write what these events change; return the number of rows that did change. One statement a table.

        `check` off: the sequence check is disabled, and events are written in the order of arrival.
        """
        folds = {table.name: Fold(check=check) for table in self.tables}
        for envelope in envelopes:
            project = self.events.get(_key(envelope))
            if project is not None:
                check_major(envelope.get("dataschema"), MAJOR, envelope["type"])
                project(envelope, folds)
        return sum(table.write(db, folds[table.name].rows(), check=check) for table in self.tables)


def _key(envelope: Mapping[str, Any]) -> tuple[str, str]:
    return str(envelope["source"]).strip("/"), envelope["type"]
