"""What the entries of a booking show, in the order of the journal: what each service did and answered, what was sent, what the
orchestrator noted, what a fault struck. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drawing.lanes.history import mine
from drawing.lanes.observed import AFTER_COMMIT, WORDS
from drawing.lanes.wording import STATES, goes_back
from drawing.money import money
from drawing.narration.phrases import effect
from drawing.present import BOOKINGS, SAGAS, VIEWS
from drawing.steps import KNOWN_SAGAS
from drawing.tables import HIDDEN_TABLES
from journal.entry import EntryDict
from journal.noteworthy import before
from messaging.saga_row import legible

BACK = ("COMPENSATING", "COMPENSATED")
FENCED = "fenced"  # the reason of an answer that only settles that the command will never run
KINDS = {step.name: step.kind for saga in KNOWN_SAGAS for step in saga.steps}


@dataclass(slots=True)
class Act:
    """A participant's local transaction that answered a command. `effects`: clauses; `again`: answered before."""

    pos: int
    service: str
    command: str
    status: str
    reason: str
    back: bool
    again: bool
    effects: list[str]

    @property
    def must_succeed(self) -> bool:
        """Whether a refusal turns nothing: it is tried again until it succeeds, or until a person decides."""
        return self.back or KINDS.get(self.command) == "retriable"


@dataclass(slots=True)
class Sent:
    """A message in an outbox. `answered`: a reply to it is in the entries."""

    pos: int
    id: str
    kind: str
    name: str
    source: str
    target: str
    step: str  # of the saga; "" for a message that no saga sent
    attempt: int = 1
    answered: bool = False


@dataclass(slots=True)
class Strike:
    """What a fault did to the booking. `word`: see drawing.lanes.observed.WORDS. `message`: a type, "" if it is not known."""

    pos: int
    word: str
    service: str
    message: str
    message_id: str
    point: str
    key: tuple[Any, ...]
    ended: bool = False
    event: bool = False  # an event that is held holds no saga


@dataclass(slots=True)
class Facts:
    """`booking` and `saga`: the newest rows, {} before the first. `log`: (entry, line) of the sagas' log, in order."""

    acts: list[Act] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    log: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    booking: dict[str, Any] = field(default_factory=dict)
    booking_pos: int = 0
    saga: dict[str, Any] = field(default_factory=dict)
    saga_pos: int = 0
    commits: list[int] = field(default_factory=list)  # entries of services that are no views
    services: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def state(self) -> str:
        """The booking's."""
        return str(self.booking.get("state") or "")

    @property
    def going_back(self) -> bool:
        return self.saga.get("state") in BACK or self.saga.get("action") == "compensation"

    @property
    def took_s(self) -> float:
        """From the first commit to the last, by the databases' clocks."""
        return (self.last - self.first).total_seconds() if self.first and self.last else 0.0


def facts(entries: Iterable[EntryDict], booking: str) -> Facts:
    """`entries`: in the order of the journal. Rows of other bookings in a batch are left out."""
    found, types, replies, sagas = Facts(), dict[str, dict[str, str]](), set[str](), set[str]()
    for entry in entries:
        if entry["service"] in VIEWS:
            _handled(found, entry)
            continue
        if entry["kind"] == "observation":
            _observed(found, entry, types)
            continue
        changes = mine(entry, booking)
        at = datetime.fromisoformat(entry["committed_at"])
        found.first, found.last = min(found.first or at, at), max(found.last or at, at)
        found.commits.append(entry["pos"])
        found.services.add(entry["service"])
        _handled(found, entry)
        _rows(found, entry, changes, sagas)
        messages = [change["new"] for change in changes if _is_message(change)]
        for row in messages:
            types.setdefault(row["id"], {})[row["type"]] = row["kind"]
            _message(found, entry, row)
        answers = [row for row in messages if row["kind"] == "reply"]
        if answers:
            _act(found, entry, changes, answers[-1], again=all(row["id"] in replies for row in answers))
            replies |= {row["id"] for row in answers}
    return found


def _is_message(change: dict[str, Any]) -> bool:
    return change["table"].endswith("_outbox") and change["op"] == "insert" and bool(change["new"])


def _rows(found: Facts, entry: EntryDict, changes: Sequence[dict[str, Any]], sagas: set[str]) -> None:
    for change in changes:
        row = change["new"]
        if row and change["table"] == BOOKINGS:
            found.booking, found.booking_pos = row, entry["pos"]
        elif row and change["table"] == SAGAS:
            found.saga, found.saga_pos = legible(row), entry["pos"]
            sagas.add(str(row.get("id")))
    sagas |= {str(change["new"]["saga_id"]) for change in changes if change["new"] and change["new"].get("saga_id")}
    for change in entry["changes"]:
        line = change["new"]
        if line and change["table"].endswith("_sagalog") and str(line.get("saga_id")) in sagas:
            found.log.append((entry["pos"], line))


def _message(found: Facts, entry: EntryDict, row: dict[str, Any]) -> None:
    attempt = found.saga.get("attempt") or 1 if row["kind"] == "command" and row.get("step") else 1
    sent = Sent(
        entry["pos"],
        row["id"],
        row["kind"],
        row["type"],
        entry["service"],
        row.get("destination") or "",
        row.get("step") or "",
        attempt,
    )
    found.sent.append(sent)
    if row["kind"] == "reply":
        for one in found.sent:
            if one.kind == "command" and one.name == row["type"].removesuffix("Reply"):
                one.answered = True


def _act(
    found: Facts, entry: EntryDict, changes: Sequence[dict[str, Any]], reply: dict[str, Any], *, again: bool
) -> None:
    data = reply.get("data") or {}
    command = str(reply["type"]).removesuffix("Reply")
    found.acts.append(
        Act(
            entry["pos"],
            entry["service"],
            command,
            str(data.get("status") or ""),
            str(data.get("reason") or ""),
            goes_back(reply),
            again,
            _effects(changes),
        )
    )


def _effects(changes: Sequence[dict[str, Any]]) -> list[str]:
    """A clause for each kind of row that got a new state."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for change in changes:
        new, old = change["new"], before(change)
        if not new or change["table"].endswith(HIDDEN_TABLES):
            continue
        for name in STATES:
            if isinstance(new.get(name), str) and new[name] != old.get(name):
                groups.setdefault((change["table"].partition("_")[2], new[name]), []).append(new)
    tickets = sum(change["table"].endswith("_ticket") and change["op"] == "insert" for change in changes)
    clauses = [
        effect(
            noun,
            state,
            [str(row["label"]) for row in rows if row.get("label")],
            money(rows[-1].get("amount"), rows[-1].get("currency") or ""),
            tickets,
        )
        for (noun, state), rows in groups.items()
    ]
    return [clause for clause in clauses if clause]


def _handled(found: Facts, entry: EntryDict) -> None:
    """A held message that has had an effect is held no longer."""
    lines = [change["new"] for change in entry["changes"] if change["table"].endswith("_sagalog") and change["new"]]
    about = set(entry["causes"]) | {str(line.get("message_id")) for line in lines}
    for strike in found.strikes:
        if strike.message_id and strike.message_id in about:
            strike.ended = True


def _observed(found: Facts, entry: EntryDict, types: dict[str, dict[str, str]]) -> None:
    data = entry["data"] or {}
    kind, message = str(data.get("kind", "")), str(data.get("messageid") or "")
    if kind not in ("fault", "rolled back"):
        return
    struck = data.get("data") or {}
    word = WORDS.get(struck.get("action", ""), "fault") if kind == "fault" else "rolled back"
    point = str(struck.get("point") or "")
    key = (struck.get("fault"), struck.get("fired"), message)
    known = next((one for one in found.strikes if one.key == key and message), None)
    if kind == "fault" and known is not None:
        known.ended = True  # another observation of the same strike: it has resumed
        return
    failed = ("rolled back", "crashed")
    if kind == "rolled back" and any(one.message_id == message and one.word in failed for one in found.strikes):
        return  # the fault that caused it has been counted
    ended = word != "held" or point in AFTER_COMMIT
    sent = types.get(message, {})  # a repeated reply has the id of the first, also if it answers a fence
    named = next((one for one in sent if one in entry["title"]), next(reversed(sent), ""))
    found.strikes.append(
        Strike(
            entry["pos"], word, entry["service"], named, message, point, key, ended, event=sent.get(named) == "event"
        )
    )
