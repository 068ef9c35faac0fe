"""A recorded story as the file of a run, which a sandbox imports: its pages then draw exactly these entries."""

import json
import uuid
from typing import Any

from journal.archive.writing import Writer
from messaging.hashing import added, row_hash
from tests.drawing.recording import recorded

FIRST = 2  # position of the first entry; the rows that were there before have an earlier one
Place = tuple[str, str, str]
"""(service, table, key)"""


def exported(name: str, tables: dict[str, Any], until: str = "") -> tuple[str, list[dict[str, Any]], bytes]:
    """A booking's id, its entries at their new positions, without gaps, and the file.

    `tables`: their definitions, as a run's header has them. `until`: the run ends with the entry whose title begins so.
    """
    booking, found = recorded(name)
    found = sorted(found, key=lambda entry: entry["pos"])
    if until:
        end = next(number for number, entry in enumerate(found) if entry["title"].startswith(until))
        found = found[: end + 1]
    moved = {entry["pos"]: pos for pos, entry in enumerate(found, FIRST)}
    entries = [
        {**entry, "pos": moved[entry["pos"]], "cause_pos": [moved[one] for one in entry["cause_pos"] if one in moved]}
        for entry in found
    ]
    return booking, entries, _file(name, tables, entries)


def _file(name: str, tables: dict[str, Any], entries: list[dict[str, Any]]) -> bytes:
    before, after = _rows(entries)
    began, last = entries[0]["committed_at"], entries[-1]["pos"]
    run = {
        "schema": 1, "id": str(uuid.uuid4()), "epoch": str(uuid.uuid4()), "name": name, "seed": "", "faults": [],
        "tables": tables, "started_pos": FIRST, "last_pos": last, "started_at": began,
        "ended_at": entries[-1]["committed_at"], "hashes": _hashes(before),
    }  # fmt: skip
    writer = Writer(run["epoch"], began)
    lines = [writer.run(run)]  # type: ignore[arg-type]
    for (service, table, key), row in before.items():
        there = {"service": service, "table": table, "key": key, "from_pos": FIRST - 1, "correlation": None, "row": row}
        lines.append(writer.row(there))  # type: ignore[arg-type]
    lines += [writer.entry(json.loads(json.dumps(entry))) for entry in entries]
    return b"".join([*lines, writer.state(last, _hashes(after)), writer.end()])


def _rows(entries: list[dict[str, Any]]) -> tuple[dict[Place, Any], dict[Place, Any]]:
    """The rows that the entries found, and those that they left."""
    before: dict[Place, Any] = {}
    after: dict[Place, Any] = {}
    for entry in entries:
        for change in entry["changes"]:
            place = (entry["service"], change["table"], change["key"])
            if place not in after and change["old"]:
                before[place] = change["old"]
            after[place] = change["new"]
    return before, {place: row for place, row in after.items() if row}


def _hashes(rows: dict[Place, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for (service, table, key), row in rows.items():
        total = found.setdefault(service, {}).setdefault(table, {"rows": 0, "hash": "0"})
        total["rows"], total["hash"] = total["rows"] + 1, str(added(int(total["hash"]), row_hash(key, row)))
    return found
