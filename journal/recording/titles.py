"""A short readable line for a transaction, from its rows alone: "TakePayment: payment COMPLETED". Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from journal.noteworthy import noteworthy

STATES = ("status", "state")
_PAST = {"insert": "inserted", "update": "updated", "delete": "deleted", "truncate": "emptied"}
_PARTS = 4  # the rest is in the changes


def title_of(messages: Sequence[dict[str, Any]], changes: Sequence[dict[str, Any]]) -> str:
    """`messages`: the outbox rows it inserted; `changes`: its other rows, as an entry has them."""
    head = _counted(_handled(messages))
    story = noteworthy(changes)
    states = _counted(filter(None, map(_state, story)))
    sends = _counted(message["type"] for message in messages if message["kind"] == "command")
    parts = [part for part in (states, f"sends {sends}" if sends else "") if part]
    if head and parts:
        return f"{head}: {', '.join(parts)}"
    return head or ", ".join(parts) or _counted(map(_touched, story or changes)) or "nothing"


def _handled(messages: Sequence[dict[str, Any]]) -> list[str]:
    """The commands that were answered, else what happened."""
    answered = [message["type"].removesuffix("Reply") for message in messages if message["kind"] == "reply"]
    return answered or [message["type"] for message in messages if message["kind"] == "event"]


def _state(change: dict[str, Any]) -> str | None:
    new, old = change["new"], change["old"]
    for name in STATES if new else ():
        if isinstance(new.get(name), str) and (old is None or old.get(name, new[name]) != new[name]):
            return f"{_noun(change)} {new[name]}"
    return None


def _touched(change: dict[str, Any]) -> str:
    return f"{_noun(change)} {_PAST[change['op']]}"


def _noun(change: dict[str, Any]) -> str:
    return str(change["table"]).partition("_")[2] or str(change["table"])


def _counted(words: Iterable[str]) -> str:
    counts = Counter(words)
    parts = [word if count == 1 else f"{word} ×{count}" for word, count in counts.items()]
    return ", ".join(parts[:_PARTS]) + (" …" if len(parts) > _PARTS else "")
