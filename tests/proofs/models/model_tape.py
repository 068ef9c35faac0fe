"""A model's play as a file that the player opens.

There is no log to read here: entries are made from what the play told, rows from the model's own variables. So every entry is
an observation, and the run's name says that it is a model's.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from journal.archive.lines import SCHEMA, Hashes
from journal.archive.writing import Writer
from messaging.hashing import added, row_hash
from proofs.timeline import Entry

Place = tuple[str, str, str]
"""service, table, key"""


class ModelTape:
    """`add` each entry as it is told, then `write`."""

    def __init__(self) -> None:
        self._rows: dict[Place, dict[str, Any]] = {}
        self._entries: list[Any] = []
        self._emitted: dict[str, int] = {}

    def add(self, told: Entry, rows: Mapping[Place, Mapping[str, Any]]) -> None:
        """`rows`: all there are now. Only those of the service that is told of may have changed, and none has gone."""
        changes = []
        for place, row in orjson.loads(orjson.dumps([(place, row) for place, row in rows.items()])):
            service, table, key = place
            before = self._rows.get((service, table, key))
            if row != before:
                assert service == told["service"], f"{told['title']} changed {table}"
                op = "update" if before else "insert"
                changes.append({"table": table, "op": op, "key": key, "old": before, "new": row})
                self._rows[service, table, key] = row
        known = [self._emitted[cause] for cause in told["causes"] if cause in self._emitted]
        self._emitted |= dict.fromkeys(told["emits"], told["pos"])
        now = datetime.now(UTC).isoformat()
        detail = {name: value for name, value in told["data"].items() if value not in ("", None)}
        more = ", ".join(str(value) for value in detail.values())
        self._entries.append(
            {
                "pos": told["pos"], "kind": "observation", "service": told["service"], "xid": None, "lsn": "",
                "committed_at": now, "recorded_at": now, "title": f"{told['title']}: {more}" if more else told["title"],
                "causes": told["causes"], "cause_pos": sorted(set(known)), "cause_known": len(known) == len(told["causes"]),
                "emits": told["emits"], "correlations": told["correlations"],
                "data": {"kind": "model", "data": detail}, "changes": changes,
            }
        )  # fmt: skip

    def write(self, file: Path, name: str) -> None:
        """All of it, in the format of journal.archive.lines."""
        began, epoch = self._entries[0]["committed_at"], str(uuid.uuid4())
        writer = Writer(epoch, began)
        lines = [
            writer.run(
                {
                    "schema": SCHEMA, "id": str(uuid.uuid4()), "epoch": epoch, "name": name[:200], "seed": "", "faults": [],
                    "tables": self._definitions(), "started_pos": 1, "last_pos": len(self._entries), "started_at": began,
                    "ended_at": self._entries[-1]["committed_at"], "hashes": {},
                }
            ),
            *(writer.entry(entry) for entry in self._entries),
            writer.state(len(self._entries), self._hashes()),
            writer.end(),
        ]  # fmt: skip
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"".join(lines))

    def _definitions(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for (service, table, _), row in self._rows.items():
            found.setdefault(service, {})[table] = {"columns": [[name, "jsonb"] for name in row], "key": ["id"]}
        return found

    def _hashes(self) -> Hashes:
        found: Hashes = {}
        for (service, table, key), row in self._rows.items():
            total = found.setdefault(service, {}).setdefault(table, {"rows": 0, "hash": "0"})
            total["rows"], total["hash"] = total["rows"] + 1, str(added(int(total["hash"]), row_hash(key, row)))
        return found
