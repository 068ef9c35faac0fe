"""The words on a box: a title, a line or two, and the sentence that the text equivalent and a screen reader have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.stage.lanes.shapes import LANES, Flow, Node
from journal.queries import EntryDict
from journal.telling import before

ASKED = {
    "BookTickets": "Book",
    "CancelRequested": "Cancel",
    "RetryNow": "Retry now",
    "SkipStep": "Skip step",
    "ResendCommand": "Edit, retry",
}
"""Messages that begin with a person's request."""
ONCE = ("BookTickets", "CancelRequested")
STATES = ("status", "state")
HIDDEN = ("_outbox", "_barrier", "_sagalog", "_checkpoint", "_saga")
BAD = ("DECLINED", "CANCELLED", "REFUSED", "STUCK", "dead")
GOOD = ("CONFIRMED",)
UNDOING = ("VoidTickets", "RefundPayment", "ReleaseSeats")
"""Compensating transactions, also where they are forward steps: cancelling a confirmed booking is a saga of its own."""


def goes_back(message: dict[str, Any]) -> bool:
    """Is this command, or what this reply answers, a compensating transaction?"""
    return message.get("action") == "compensation" or str(message["type"]).removesuffix("Reply") in UNDOING


def titled(
    entry: EntryDict, messages: Sequence[dict[str, Any]], changes: Sequence[dict[str, Any]], attempt: int
) -> Node:
    """A transaction's node: a participant's is called by its command, the orchestrator's by the booking's new state."""
    replies = [message for message in messages if message["kind"] == "reply"]
    events = [message["type"] for message in messages if message["kind"] == "event"]
    commands = [message["type"] for message in messages if message["kind"] == "command"]
    states = _states(changes)
    node = Node("transaction", 0, "", says=events)
    if replies:
        node.title = str(replies[0]["type"]).removesuffix("Reply")
        node.lines = [f"{noun} {state}" for noun, state in states] or ["answers again"]
    elif booking := [state for noun, state in states if noun == "booking"]:
        node.title = booking[-1]
        node.lines = []
    elif "SagaOverdue" in commands:
        node.title, node.lines = "Watchdog", ["overdue"]
    elif letters := [state for noun, state in states if noun == "deadletter"]:
        node.title, node.lines = "Letter kept", [letters[-1]]
    elif commands and all(command in ASKED for command in commands):
        node.title = "Accepted"
    elif commands:
        node.title, node.lines = ("Try again", [f"attempt {attempt}"]) if attempt > 1 else ("Next step", [])
    else:
        node.title = entry["title"].partition(":")[0]
        node.lines = [f"{noun} {state}" for noun, state in states]
    if any(goes_back(message) for message in replies):
        node.tone = "compensation"
    elif any(state in BAD for _, state in states):
        node.tone = "bad"
    elif any(noun == "booking" and state in GOOD for noun, state in states):
        node.tone = "good"
    return node


def _states(changes: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """(noun, new state) of each row that got one; several rows of a table with the same state are one."""
    found: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        new, old = change["new"], before(change)
        if not new or change["table"].endswith(HIDDEN):
            continue
        for name in STATES:
            if isinstance(new.get(name), str) and new[name] != old.get(name):
                noun = change["table"].partition("_")[2] or change["table"]
                found.setdefault((noun, new[name]), []).append(str(new.get("label") or ""))
    nouns: dict[tuple[str, str], None] = {}
    for (noun, state), labels in found.items():
        named = [label for label in labels if label]
        nouns[(" ".join([noun, *named[:2]]) + (" …" if len(named) > 2 else "") if named else noun, state)] = None
    return list(nouns)


VIEW_STATES = {"state": "booking", "hold_status": "hold", "payment_status": "payment", "tickets_status": "tickets"}


def views_lines(node: Node, entry: EntryDict, booking: str) -> None:
    """Add what one of the projector's transactions changed in the views to its box."""
    for change in entry["changes"]:
        new, old = change["new"], before(change)
        if not new or booking not in [*new.values(), *old.values()]:
            continue
        if change["table"] == "projections_bookingview":
            told = [
                f"{noun} {new[name]}"
                for name, noun in VIEW_STATES.items()
                if new.get(name) not in (None, old.get(name))
            ]
        elif change["table"] == "projections_seatmap":
            told = [f"seats {new['status']}"]
        else:
            told = [change["table"].partition("_")[2].removesuffix("booking")]  # the history view, the sales view
        node.lines += [line for line in told if line not in node.lines]
    node.title = "" if node.lines else f"{len(node.positions)} writes"


CAUSES = {"request": "request", "timer": "due time", "local": "went on", "": "cause"}
"""What an arrow is called that is no message."""


def arrow_sentence(flow: Flow) -> str:
    """An arrow's name for a screen reader: what was sent, from where to where, and how it went."""
    name = f"{flow.kind} {flow.label}" if flow.message else CAUSES.get(flow.kind, flow.kind)
    again = f", attempt {flow.attempt}" if flow.attempt > 1 else ""
    back = ", compensation" if flow.compensation else ""
    to = f" to {LANES[flow.target.lane][1]}" if flow.target else ""
    state = {"pending": ", not yet handled"}.get(flow.state, f", {flow.state}") if flow.message else ""
    says = ", a refusal" if flow.refused else ""
    return f"{name}{again}{back}: {LANES[flow.source.lane][1]}{to}{state}{says}"


def sentence(node: Node) -> str:
    """One line of the text equivalent, without its number."""
    who = LANES[node.lane][1]
    if node.kind == "views":
        return f"{who}: {len(node.positions)} {'view' if len(node.positions) == 1 else 'views'} written, {', '.join(node.lines)}"
    told = ", ".join(node.lines)
    marks = ", ".join(mark.text for mark in node.marks if mark.text)
    back = "compensates: " if node.tone == "compensation" else ""
    short = {"attempt": " did not commit", "held": " stands still"}.get(node.kind, "")
    says = f"; tells {', '.join(node.says)}" if node.says else ""
    return f"{who}: {back}{node.title}{short}{f': {told}' if told else ''}{f' ({marks})' if marks else ''}{says}"
