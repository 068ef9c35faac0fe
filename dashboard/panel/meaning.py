"""What one journal entry means, before its rows are read: which states it changed, and which messages it sent. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from drawing import present
from journal.noteworthy import before, noteworthy

STATES = ("status", "state")
"""The columns that say how a row stands; a row has at most one of them."""
NOTHING = "nothing"
SENDS = {"command": "sends", "reply": "answers with", "event": "publishes"}
FAINT = ("id", "key", "xid", "horizon", "seq", "caused_by", "context", "stream_id")
"""Columns that say which row it is, or how rows are kept: shown last."""


def meaning(changes: Iterable[dict[str, Any]]) -> list[str]:
    """`payment: nothing → DECLINED, card_declined` for each state that changed, then `publishes PaymentDeclined` for
    each message. Rows of one table that changed alike are one text: `2 seats: AVAILABLE → RESERVED`."""
    kept = noteworthy(changes)
    alike: dict[tuple[str, str], list[str]] = {}
    for change in kept:
        if move := _move(change):
            row = change["new"] or before(change)
            alike.setdefault((present.short_table(change["table"]), move), []).append(str(row.get("label") or ""))
    saga = present.short_table(present.SAGAS)
    if any(table != saga for table, _ in alike):
        alike = {key: labels for key, labels in alike.items() if key[0] != saga}  # the booking's state says the same
    sent = [change["new"] for change in kept if change["table"].endswith("_outbox") and change["new"]]
    verbs = [f"{SENDS.get(one.get('kind', ''), 'sends')} {one.get('type', '')}" for one in sent]
    return [f"{_named(table, labels)}: {move}" for (table, move), labels in alike.items()] + list(dict.fromkeys(verbs))


def _named(table: str, labels: list[str]) -> str:
    if len(labels) > 1:
        return f"{len(labels)} {table}s"
    return f"{table} {labels[0]}".strip()


def _move(change: Mapping[str, Any]) -> str:
    """The row's state before and after, and the reason if it has one; "" if its state did not change."""
    if change["table"].endswith("_outbox"):
        return ""
    old, new = before(dict(change)), change["new"] or {}
    column = next((name for name in STATES if name in (new or old)), "")
    if not column or old.get(column) == new.get(column):
        return ""
    reason = f", {new['reason']}" if new.get("reason") else ""
    return f"{old.get(column) or NOTHING} → {new.get(column) or NOTHING}{reason}"


def columns(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns of one row before and after, the changed ones first, and what only says which row it is last:
    [{column, old, new, changed, faint}]. One side of a new or a deleted row is empty."""
    moved = bool(old and new)
    found = [
        {
            "column": name,
            "old": old.get(name),
            "new": new.get(name),
            "changed": moved and old.get(name) != new.get(name),
            "faint": _is_faint(name),
        }
        for name in (new or old)
    ]
    return sorted(found, key=lambda cell: (not cell["changed"], cell["faint"], cell["column"] not in STATES))


def _is_faint(name: str) -> bool:
    return name in FAINT or name.endswith(("_id", "_at", "_xid"))


def difference(old: object, new: object) -> list[dict[str, Any]]:
    """Where two JSON values differ: [{path, old, new}]; a missing value is None. [] unless both are objects."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return []
    left, right = dict(_leaves(old)), dict(_leaves(new))
    paths = [*left, *(path for path in right if path not in left)]
    return [
        {"path": path, "old": left.get(path), "new": right.get(path)}
        for path in paths
        if left.get(path) != right.get(path)
    ]


def _leaves(value: object, path: str = "") -> Iterable[tuple[str, object]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value, 1) if isinstance(value, list) else ()
    leaves = [leaf for name, one in inner for leaf in _leaves(one, f"{path} {name}".strip())]
    return leaves or [(path, value)]
