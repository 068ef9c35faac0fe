"""The words on a box: a title, one or two lines, and the sentence for the text equivalent and screen readers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from drawing.durations import lasting
from drawing.lanes.arrangement import Lane
from drawing.lanes.shapes import Flow, Node
from drawing.present import MACHINERY, SAGAS
from journal.entry import EntryDict
from journal.noteworthy import before
from messaging.saga_row import moment
from topology.chosen import HOUSE
from topology.contract import contract
from topology.sagas import sagas_of, undoing

ASKED = {name: words for service in HOUSE.services for name, words in contract(service).asked.items()}
"""Messages caused by a person's request -> the label of the button."""
ONCE = ("BookTickets", "CancelRequested")
STATES = ("status", "state")
BAD = ("DECLINED", "CANCELLED", "REFUSED", "STUCK", "dead")
GOOD = ("CONFIRMED",)
TURNING = ("COMPENSATING", "CANCELLING")
UNDOING = undoing(sagas_of(HOUSE))
"""Compensating transactions, also if they are forward steps: cancelling a confirmed booking is a separate saga."""


def goes_back(message: dict[str, Any]) -> bool:
    """Whether this command, or the command that this reply answers, is a compensating transaction."""
    return message.get("action") == "compensation" or str(message["type"]).removesuffix("Reply") in UNDOING


def titled(
    lane: Lane,
    entry: EntryDict,
    messages: Sequence[dict[str, Any]],
    changes: Sequence[dict[str, Any]],
    attempt: int,
    *,
    log: Sequence[dict[str, Any]] = (),
    answered: Collection[str] = (),
) -> Node:
    """A transaction's node: a participant's is named after its command, the orchestrator's after the booking's new
    state. `log`: the lines it wrote into the saga's log. `answered`: ids of the replies that were sent before.
    """
    replies = [message for message in messages if message["kind"] == "reply"]
    events = [message["type"] for message in messages if message["kind"] == "event"]
    states = _states(changes)
    node = Node("transaction", lane, "", says=events, states=_short(changes))
    if replies:
        _answer(node, replies, states, answered)
    else:
        rows = [change["new"] for change in changes if change["table"] == SAGAS and change["new"]]
        due = (moment(rows[-1].get("due_at")) or "") if rows else ""
        _decision(node, entry, [one for one in messages if one["kind"] == "command"], states, attempt, log, due)
    if node.refused and not any(state in BAD for _, state in states):
        node.tone = "bad"  # also a refused compensation: it has undone nothing
    elif any(goes_back(message) for message in replies):
        node.tone = "compensation"
    elif any(state in BAD for _, state in states):
        node.tone = "bad"
    elif any(noun == "booking" and state in TURNING for noun, state in states):
        node.tone = "turning"
    elif any(noun == "booking" and state in GOOD for noun, state in states):
        node.tone = "good"
    return node


def _answer(
    node: Node, replies: Sequence[dict[str, Any]], states: Sequence[tuple[str, str]], answered: Collection[str]
) -> None:
    """What a participant did and answered. The reply's id is that of the barrier's row: a repeated reply has the same one."""
    node.title = " + ".join(dict.fromkeys(str(reply["type"]).removesuffix("Reply") for reply in replies))
    node.answers, node.stated = True, [f"{noun} {state}" for noun, state in states]
    node.again = all(reply["id"] in answered for reply in replies)
    node.lines = [*node.stated]
    if node.again:
        node.lines.append("answers again")
    for reply in replies:
        data = reply.get("data") or {}
        if data.get("status") == "refused":
            node.refused = True
            reason = str(data.get("reason") or "")
            fences = str(reply["type"]).startswith("Fence")
            if fences and reason == "fenced":
                node.lines.append("fenced: it will not run")
                node.refused = False  # the request is done
            elif node.again or not states:
                node.lines.append(f"refused: {reason}" if reason else "refused")
        elif data.get("nothing_to_undo"):
            node.lines.append("nothing to undo")


NOTED = ("skipped by hand", "retried by hand", "resent by hand", "interrupted", "stuck")
"""The saga's log lines for decisions that the booking's state does not show."""


def _decision(
    node: Node,
    entry: EntryDict,
    commands: Sequence[dict[str, Any]],
    states: Sequence[tuple[str, str]],
    attempt: int,
    log: Sequence[dict[str, Any]],
    due: str,
) -> None:
    """What the orchestrator, the watchdog or a person's request did."""
    types = [message["type"] for message in commands]
    refusals = [line for line in log if line["what"] == "refused"]
    if booking := [state for noun, state in states if noun == "booking"]:
        node.title = booking[-1]
    elif "SagaOverdue" in types:
        node.title = "Watchdog"  # this entry does not contain what is overdue; the caller has it
    elif letters := [state for noun, state in states if noun == "deadletter"]:
        node.title, node.lines = "Letter kept", [letters[-1]]
    elif types and all(command in ASKED for command in types):
        node.title = "Accepted"
    elif any(message.get("action") == "fence" for message in commands):
        node.title, node.lines = "Ask", [f"did {commands[-1].get('step')} happen?"]
    elif types:
        node.title, node.lines = ("Try again", [f"attempt {attempt}"]) if attempt > 1 else ("Next step", [])
    elif refusals:  # for a step that must succeed: only the saga's timer changes
        node.title, node.lines = "Refused", [refusals[-1]["error"], f"waits{_wait(refusals[-1], due)}, tries again"]
    else:
        node.title = entry["title"].partition(":")[0]
        node.lines = [f"{noun} {state}" for noun, state in states]
    for line in log:
        if line["what"] in NOTED:
            reason = line["error"] if line["what"] in ("interrupted", "stuck") else line["what"]
            node.lines.append(reason or line["what"])


def _wait(line: dict[str, Any], due: str) -> str:
    """The time from the log's line to the saga's due time, in words; "" if one of them is unknown."""
    if not (line.get("at") and due):
        return ""
    seconds = (datetime.fromisoformat(due) - datetime.fromisoformat(line["at"])).total_seconds()
    return f" {lasting(max(seconds, 0))}"


def _states(changes: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """(noun, new state) of each row that got one; several rows of a table with the same state count as one."""
    nouns: dict[tuple[str, str], None] = {}
    for (noun, state), labels in _changed(changes).items():
        named = [label for label in labels if label]
        nouns[(" ".join([noun, *named[:2]]) + (" …" if len(named) > 2 else "") if named else noun, state)] = None
    return list(nouns)


def _short(changes: Sequence[dict[str, Any]]) -> list[str]:
    """The new states of rows by the rows' names, where they have some: "A-14 RESERVED", "DECLINED"."""
    found = []
    for (_, state), labels in _changed(changes).items():
        named = [label for label in labels if label]
        found.append(" ".join([*named[:2], *(["…"] if len(named) > 2 else []), state]))
    return list(dict.fromkeys(found))


def _changed(changes: Sequence[dict[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """(noun, new state) -> the names of the rows that got it, "" for a row without one."""
    found: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        new, old = change["new"], before(change)
        if not new or change["table"].endswith(MACHINERY):
            continue
        for name in STATES:
            if isinstance(new.get(name), str) and new[name] != old.get(name):
                noun = change["table"].partition("_")[2] or change["table"]
                found.setdefault((noun, new[name]), []).append(str(new.get("label") or ""))
    return found


VIEW_STATES = {"state": "booking", "hold_status": "hold", "payment_status": "payment", "tickets_status": "tickets"}


def views_lines(node: Node, entry: EntryDict, booking: str) -> None:
    """Add the changes of one of the projector's transactions to its box."""
    for change in entry["changes"]:
        new, old = change["new"], before(change)
        if not new or booking not in [*new.values(), *old.values()]:
            continue
        if change["table"] == "projections_bookingview":
            words = [
                f"{noun} {new[name]}"
                for name, noun in VIEW_STATES.items()
                if new.get(name) not in (None, old.get(name))
            ]
        elif change["table"] == "projections_seatmap":
            words = [f"seats {new['status']}"]
        else:
            words = [change["table"].partition("_")[2].removesuffix("booking")]  # the history view, the sales view
        node.lines += [line for line in words if line not in node.lines]
    node.title = "" if node.lines else f"{len(node.positions)} writes"


CAUSES = {"request": "request", "timer": "due time", "local": "continued", "": "cause"}
"""The names of arrows that are not messages."""


def arrow_sentence(flow: Flow) -> str:
    """An arrow's name for a screen reader: the message, its source and target, and the outcome."""
    name = f"{flow.kind} {flow.label}" if flow.message else CAUSES.get(flow.kind, flow.kind)
    again = f", attempt {flow.attempt}" if flow.attempt > 1 else ""
    back = ", compensation" if flow.compensation else ""
    to = f" to {flow.target.lane.name}" if flow.target else ""
    state = {"pending": ", not yet handled"}.get(flow.state, f", {flow.state}") if flow.message else ""
    says = ", a refusal" if flow.refused else ""
    return f"{name}{again}{back}: {flow.source.lane.name}{to}{state}{says}"


def sentence(node: Node) -> str:
    """One line of the text equivalent, without its number."""
    who = node.lane.name
    if node.kind == "views":
        words = f": {', '.join(node.lines)}" if node.lines else ""
        return f"{who}: {len(node.positions)} write{'' if len(node.positions) == 1 else 's'} to views{words}"
    words = ", ".join(node.lines)
    marks = ", ".join(mark.text for mark in node.marks if mark.text)
    back = "compensates: " if node.tone == "compensation" else ""
    stood = " stood still" if node.marks and all(mark.ended for mark in node.marks) else " stands still"
    short = {"attempt": " did not commit", "held": stood}.get(node.kind, "")
    says = f"; tells {', '.join(node.says)}" if node.says else ""
    return f"{who}: {back}{node.title}{short}{f': {words}' if words else ''}{f' ({marks})' if marks else ''}{says}"
