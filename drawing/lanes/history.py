"""What happened to a booking, in causal order: from journal entries to nodes and flows. Pure; knows no lengths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain, pairwise
from typing import Any

from drawing.lanes.arrangement import Arrangement, Kind
from drawing.lanes.observed import Observed
from drawing.lanes.shapes import Emission, Flow, Gap, History, Node
from drawing.lanes.wording import ASKED, ONCE, goes_back, sentence, titled, views_lines
from drawing.present import SAGAS
from journal.entry import EntryDict
from messaging.saga_row import legible

NO_ANSWER = "no_answer"  # the error of an attempt whose answer never came
IDLE_S = 0.8  # a silence worth showing


def history_of(entries: Sequence[EntryDict], booking: str, lanes: Arrangement, *, folded: bool = False) -> History:
    """What happened to this booking. A batch's transaction has rows of other bookings too, which are left out.

    `folded`: a view's writes are next to the node whose event they applied, instead of where they happened.
    """
    return _Reader(booking, lanes, folded).read(sorted(entries, key=lambda entry: entry["pos"]))


class _Reader:
    def __init__(self, booking: str, lanes: Arrangement, folded: bool) -> None:
        self.booking, self.lanes, self.folded = booking, lanes, folded
        self.keys: dict[Node, float] = {}  # node -> place in the order
        self.nodes: list[Node] = []
        self.emissions: dict[str, list[Emission]] = defaultdict(list)
        self.causes: dict[Node, list[str]] = {}  # node -> messages it names as its causes
        self.sagas: set[str] = set()  # ids of the booking's sagas
        self.saga: dict[str, Any] = {}  # the row of the present one, as of the last transaction

    def read(self, entries: list[EntryDict]) -> History:
        views, observations = [], []
        for entry in entries:
            if entry["kind"] == "observation":
                observations.append(entry)
            elif self.lanes.of(entry["service"]).kind == Kind.VIEWS:
                views.append(entry)
            else:
                self._transaction(entry)
        observed = Observed(self.lanes, self.nodes, self.keys, self.emissions, self.causes)
        for entry in observations:
            observed.take(entry)
        nodes = [*self._requests(), *self.nodes, *observed.nodes]
        nodes.sort(key=lambda node: self.keys[node])
        history = History(self.lanes, nodes, folded=self.folded)
        self._views(views, history)
        self._flows(history)
        self._locals(history)
        history.gaps = _gaps(nodes)
        for node in [*nodes, *chain.from_iterable(history.views.values())]:
            node.as_sentence = sentence(node)
        return history

    def _transaction(self, entry: EntryDict) -> None:
        changes = mine(entry, self.booking)
        messages = [c["new"] for c in changes if c["table"].endswith("_outbox") and c["op"] == "insert"]
        attempt = _attempt(changes)
        log = self._log(entry, changes)
        node = titled(
            self.lanes.of(entry["service"]), entry, messages, changes, attempt, log=log, answered=self.emissions.keys()
        )
        node.positions, node.xid, node.lsn, node.at = (
            [entry["pos"]],
            entry["xid"],
            entry["lsn"],
            entry["committed_at"],
        )
        if node.title == "Watchdog":
            node.waited = "waits after the refusal" if _was_refused(self.saga) else "no answer in time"
            node.lines = ["its wait is over"] if _was_refused(self.saga) else ["overdue"]
        for message in messages:
            sent = attempt if message["kind"] == "command" and message.get("step") else 1
            self.emissions[message["id"]].append(Emission(message, node, entry["pos"], sent))
        self.nodes.append(node)
        self.keys[node] = entry["pos"]
        self.causes[node] = [*entry["causes"], *_letters(changes), *(str(one["message_id"]) for one in log)]
        self.saga = next(reversed(_sagas(changes)), self.saga)

    def _log(self, entry: EntryDict, changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """The lines of the sagas' log that it wrote. They name the saga, not the booking; and the message they are about."""
        rows = [(change["table"], change["new"]) for change in changes if change["new"]]
        self.sagas |= {str(row["saga_id"]) for _, row in rows if row.get("saga_id")}
        self.sagas |= {str(row.get("id")) for table, row in rows if table == SAGAS}
        lines = [change["new"] for change in entry["changes"] if change["table"].endswith("_sagalog") and change["new"]]
        return [line for line in lines if str(line.get("saga_id")) in self.sagas]

    def _requests(self) -> list[Node]:
        """What a person asked for, drawn in the browser's lane, if there is one, before the transaction that took it in.

        A booking is asked for once, and cancelled once: a second such message is the watchdog's, for one that was lost.
        """
        asked: dict[int, Node] = {}
        known: set[str] = set()
        for emissions in self.emissions.values():
            first = emissions[0]
            kind = first.message["type"]
            words = ASKED.get(kind)
            if words and kind in ONCE and kind in known and not self.causes[first.source]:
                first.source.title, first.source.lines = "Watchdog", ["sent again"]
                first.source.waited = "not started in time"
            elif words and not self.causes[first.source]:
                known.add(kind)
                if self.lanes.browser is None:
                    continue
                node = Node("request", self.lanes.browser, words, positions=[first.pos], at=first.source.at)
                self.keys[node] = self.keys[first.source] - 0.5
                asked[first.pos] = node
        return list(asked.values())

    def _views(self, entries: Iterable[EntryDict], history: History) -> None:
        """A projector's transactions between two nodes make one box, next to the later of the two; folded, those that applied the
        events of a node make one, next to it."""
        order = [self.keys[node] for node in history.nodes]
        number = {node: at for at, node in enumerate(history.nodes)}
        for entry in entries:
            slot = sum(key < entry["pos"] for key in order)
            told: list[Emission] = []
            if self.folded:
                told = [
                    one for cause in entry["causes"] for one in self.emissions.get(cause, ()) if one.pos < entry["pos"]
                ]
                slot = max((number[one.source] for one in told), default=max(slot - 1, 0))
                for one in told:
                    history.applied.setdefault(one.source, entry["pos"])
            lane = self.lanes.of(entry["service"])
            views = history.views.setdefault(slot, [])
            node = next((one for one in views if one.lane == lane), None)
            if node is None:
                node = Node("views", lane, "", at=entry["committed_at"])
                views.append(node)
                node.xid, node.lsn = entry["xid"], entry["lsn"]
                self.causes[node] = []
            node.positions.append(entry["pos"])
            views_lines(node, entry, self.booking)
            self.causes[node] += [one.message["id"] for one in told if number[one.source] == slot] or entry["causes"]

    def _flows(self, history: History) -> None:
        twice: dict[str, list[Node]] = defaultdict(list)
        for node in [*history.nodes, *chain.from_iterable(history.views.values())]:
            for cause in dict.fromkeys(self.causes.get(node, ())):
                before = [one for one in self.emissions.get(cause, ()) if self._may_have_brought(one, node)]
                # Of a reply that was given again: the first that has not arrived, because they arrive in order.
                if before:
                    next((one for one in before if not one.receivers), before[-1]).receivers.append(node)
                    twice[cause].append(node)
        for cause, nodes in twice.items():
            for emission in self.emissions[cause]:
                if not emission.receivers:  # came with another of its id, in one batch
                    emission.receivers += [one for one in nodes if self._may_have_brought(emission, one)][-1:]
        for emissions in self.emissions.values():
            for emission in emissions:
                emission.receivers.sort(key=self._place)
                history.flows += _flows_of(emission)
        for node in history.nodes:
            if node.kind == "request":
                target = next(one for one in self.nodes if one.positions[0] == node.positions[0])
                history.flows.append(Flow(f"{node.id}-taken", "request", node, target, pos=node.positions[0]))

    def _may_have_brought(self, emission: Emission, node: Node) -> bool:
        dropped = any(mark.kind == "dropped" for mark in emission.marks)
        return emission.pos < self._place(node) and emission.source is not node and not dropped

    def _place(self, node: Node) -> float:
        return self.keys.get(node, node.positions[0])

    def _locals(self, history: History) -> None:
        """A due time that a transaction wrote into a row is what wakes the watchdog."""
        caused = {flow.target for flow in history.flows if flow.target}
        for number, node in enumerate(history.nodes):
            if node in caused or node.kind != "transaction":
                continue
            same = [one for one in history.nodes[:number] if one.lane == node.lane]
            if same and node.title.startswith("Watchdog"):
                history.flows.append(Flow(f"due-{node.positions[0]}", "timer", same[-1], node, pos=node.positions[0]))


def mine(entry: EntryDict, booking: str) -> list[dict[str, Any]]:
    """The entry's changes that name the booking; all of them if none does (a dead letter names only its message)."""
    found = [c for c in entry["changes"] if any(row and booking in row.values() for row in (c["old"], c["new"]))]
    return found or list(entry["changes"])


def _attempt(changes: Iterable[dict[str, Any]]) -> int:
    """Which attempt at its step the saga is at, by its row."""
    return max((saga["attempt"] or 1 for saga in _sagas(changes)), default=1)


def _sagas(changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [legible(change["new"]) for change in changes if change["table"] == SAGAS and change["new"]]


def _was_refused(saga: dict[str, Any]) -> bool:
    """Whether the last attempt of what the saga waits for was answered, with a refusal: it waits to try again."""
    track = (saga.get("steps") or {}).get(saga.get("step"), {}).get(saga.get("action"), {})
    tries = track.get("attempts") or [{}]
    return tries[-1].get("error", "") not in ("", NO_ANSWER)


def _letters(changes: Iterable[dict[str, Any]]) -> list[str]:
    return [c["new"]["id"] for c in changes if c["table"].endswith("_deadletter") and c["new"] and c["op"] == "insert"]


def _flows_of(emission: Emission) -> list[Flow]:
    message, source = emission.message, emission.source
    kinds = {mark.kind for mark in emission.marks}

    name = f"{emission.pos}-{message['id'][-8:]}"

    def flow(number: int, target: Node | None, state: str) -> Flow:
        return Flow(
            f"msg-{name}{f'-{number}' if number else ''}",
            message["kind"],
            source,
            target,
            label=message["type"],
            state=state,
            compensation=message["kind"] != "event" and goes_back(message),
            refused=message["kind"] == "reply" and (message.get("data") or {}).get("status") == "refused",
            attempt=emission.attempt,
            pos=emission.pos,
            marks=emission.marks if number == 0 else [],
            message=message["id"],
            bound=str(message.get("destination") or ""),
        )

    receivers = emission.receivers
    if not receivers:
        if "dropped" in kinds:
            return [flow(0, None, "dropped")]
        return [flow(0, None, "pending")] if message["kind"] != "event" or emission.marks else []
    first = "delayed" if kinds & {"delayed", "held"} else "delivered"
    found = [flow(0, receivers[0], first)]
    for number, (before, receiver) in enumerate(pairwise(receivers), 1):
        if before.kind in ("attempt", "held") and before.lane == receiver.lane:  # a later effect of it
            pos = receiver.positions[0]  # which two messages may have led to
            found.append(Flow(f"then-{name}-{pos}", "local", before, receiver, pos=pos))
        else:
            found.append(flow(number, receiver, "delivered" if message["kind"] == "event" else "doubled"))
    if "doubled" in kinds and len(receivers) == 1:
        found.append(flow(1, receivers[0], "doubled"))
    return found


def _gaps(nodes: Sequence[Node]) -> list[Gap]:
    gaps: list[Gap] = []
    latest: datetime | None = None
    for number, node in enumerate(nodes):
        at = datetime.fromisoformat(node.at)
        if latest is not None and (at - latest).total_seconds() >= IDLE_S:
            gaps.append(Gap(number, (at - latest).total_seconds(), _why(nodes, number)))
        latest = max(latest or at, at)
    return gaps


def _why(nodes: Sequence[Node], number: int) -> str:
    before = nodes[number - 1]
    if nodes[number].waited:
        return nodes[number].waited
    if before.kind == "held" and before.marks and before.lane.kind != Kind.VIEWS:
        return before.marks[0].text
    return ""
