"""A saga's row in a form that its orchestrator and every reader of a log can use, whichever version wrote it.

A column may be missing and JSON may have another shape: an older or a newer version wrote the row, or a run was
imported. What cannot be read is left out, so that one such row breaks no page. Whether a saga can resume is judged by
its orchestrator, from the row as it is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

TEXTS = ("id", "definition", "state", "step", "action", "reason", "awaiting")


def legible(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every column that a page reads, each of its type: names are text, `attempt` and `definition_version` are
    numbers, `due_at` is an ISO moment or None, `context` is an object and `steps` are tracks (see `tracks`).
    """
    texts = {name: _text(row.get(name)) for name in TEXTS}
    numbers = {"attempt": _number(row.get("attempt")), "definition_version": _number(row.get("definition_version", 1))}
    return {
        **row, **texts, **numbers,
        "due_at": moment(row.get("due_at")), "context": _object(row.get("context")), "steps": tracks(row.get("steps")),
    }  # fmt: skip


def tracks(steps: object) -> dict[str, dict[str, Any]]:
    """{step: {action: {"known", "attempts": [{"sent_at", "error"}], "limit", "note"}}}, as far as it can be read."""
    return {
        step: {action: _track(track) for action, track in _object(actions).items() if isinstance(track, dict)}
        for step, actions in _object(steps).items()
    }


def moment(value: object) -> str | None:
    """A moment as text that Python can read; None for any other: PostgreSQL has years that Python does not."""
    text = value.isoformat() if isinstance(value, datetime) else value
    if not isinstance(text, str):
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return text


def _track(track: dict[str, Any]) -> dict[str, Any]:
    found = track.get("attempts")
    attempts = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return {
        "known": _text(track.get("known")),
        "attempts": [{"sent_at": _text(one.get("sent_at")), "error": _text(one.get("error"))} for one in attempts],
        "limit": _number(track.get("limit")),
        "note": _text(track.get("note")),
    }


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
