"""Assigns the observations: a fault on the bus to its message, one inside a transaction to an attempt, a duplicate to
the transaction that absorbed it. Each observation is assigned exactly once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drawing.lanes.arrangement import Arrangement, Lane
from drawing.lanes.shapes import Emission, Mark, Node
from journal.entry import EntryDict

ON_THE_WAY = ("bus", "relay.before_publish", "relay.after_publish")
AFTER_COMMIT = ("transaction.committed", "projector.committed")
WORDS = {
    "drop": "dropped",
    "duplicate": "doubled",
    "delay": "delayed",
    "reorder": "delayed",
    "hold": "held",
    "hang": "held",
    "pause": "held",
    "crash": "crashed",
    "error": "rolled back",
    "refuse": "refused",
}
"""What a fault's action is called where it struck."""

WHERE = {
    "transaction.before": "before it began",
    "transaction.inside": "before its commit",
    "orchestrator.before": "before deciding",
    "orchestrator.after": "before its commit",
    "database": "in the database",
}


class Observed:
    """Takes the observations; `nodes` are the attempts and notes without a transaction."""

    def __init__(
        self,
        lanes: Arrangement,
        known: list[Node],
        keys: dict[Node, float],
        emissions: dict[str, list[Emission]],
        causes: dict[Node, list[str]],
    ) -> None:
        self.nodes: list[Node] = []
        self._lanes = lanes
        self._known, self._keys, self._emissions, self._causes = known, keys, emissions, causes
        self._strikes: dict[tuple[Any, ...], tuple[Mark, list[int]]] = {}
        self._failures: set[tuple[Node, str]] = set()  # attempts whose rollback, or dead letter, has been seen

    def take(self, entry: EntryDict) -> None:
        data = entry["data"] or {}
        kind, message = data.get("kind", ""), data.get("messageid", "")
        struck = data.get("data") or {}
        if kind == "fault":
            self._fault(entry, message, struck)
        elif kind == "absorbed":
            self._absorbed(entry, message)
        elif kind in ("rolled back", "dead letter"):
            self._failed(entry, message, kind)
        else:
            self._note(entry, kind)

    def _fault(self, entry: EntryDict, message: str, struck: dict[str, Any]) -> None:
        point, word = struck.get("point", ""), WORDS.get(struck.get("action", ""), "fault")
        strike = (struck.get("fault"), struck.get("fired"), message)
        if strike in self._strikes and message:  # it has resumed: another observation of the same strike
            mark, positions = self._strikes[strike]
            positions.append(entry["pos"])
            if word == "held":
                mark.text, mark.ended = entry["title"].partition(":")[0].partition(" at ")[0], True
            return
        mark = Mark(word, "refused on purpose" if word == "refused" else word, [entry["pos"]])
        self._strikes[strike] = mark, mark.positions
        if point in ON_THE_WAY:
            emission = self._emission(entry, message)
            if emission is not None:
                emission.marks.append(mark)
                return
        elif point in AFTER_COMMIT or word == "refused":
            node = self._refused(entry, message) if word == "refused" else self._committed(entry, message)
            if node is not None:
                node.marks.append(mark)
                return
        elif message:
            self._strikes[strike] = mark, self._attempt(entry, message, mark).positions
            return
        note = self._note(entry, word)
        self._strikes[strike] = note.marks[0], note.positions

    def _absorbed(self, entry: EntryDict, message: str) -> None:
        """Observed inside the transaction that absorbed it: the next one of the lane, or none if it wrote nothing."""
        mark = Mark("absorbed", "duplicate absorbed", [entry["pos"]])
        lane = self._lane(entry)
        after = next((node for node in self._known if node.lane == lane and not _before(node, entry)), None)
        if after is not None and message in self._causes[after]:
            if "refused: fenced" in after.lines and not after.again:
                mark.text = "came too late"  # it was not there already: it was fenced off
            after.marks.append(mark)
            return
        node = self._note(entry, "absorbed")
        node.title, node.lines = "Absorbed", [entry["title"]]
        self._causes[node] = [message]

    def _failed(self, entry: EntryDict, message: str, kind: str) -> None:
        """A fault that rolled a transaction back and the rollback are one attempt; a second rollback is a second attempt."""
        for node in reversed(self.nodes):
            if node.kind == "attempt" and message in self._causes[node] and node.lane == self._lane(entry):
                if (node, kind) in self._failures:
                    break
                self._failures.add((node, kind))
                if any(mark.kind == kind for mark in node.marks):
                    node.positions.append(entry["pos"])
                else:
                    node.marks.append(Mark(kind, kind, [entry["pos"]]))
                return
        self._failures.add((self._attempt(entry, message, Mark(kind, kind, [entry["pos"]])), kind))

    def _attempt(self, entry: EntryDict, message: str, mark: Mark) -> Node:
        emission = self._emission(entry, message)
        title = emission.message["type"] if emission else entry["title"].partition(":")[2].strip() or entry["title"]
        standing = mark.kind in ("held", "delayed")
        node = Node("held" if standing else "attempt", self._lane(entry), title, at=entry["committed_at"])
        struck = (entry["data"] or {}).get("data") or {}
        point, node.process = struck.get("point", ""), struck.get("process", "")
        node.lines, node.tone = [WHERE[point]] if point in WHERE else [], "wait" if standing else "bad"
        node.positions, node.marks = mark.positions, [mark]
        mark.positions = []
        self.nodes.append(node)
        self._causes[node] = [message]
        # It is before its service's next transaction about the message, wherever the observation is in the journal.
        later = [
            self._keys[one]
            for one in self._known
            if message in self._causes[one]
            and one.lane == node.lane
            and not _before(one, entry)
            and (emission.pos if emission else 0) < one.positions[0] < entry["pos"]
        ]
        self._keys[node] = min([entry["pos"], *(key - 0.25 for key in later)])
        return node

    def _note(self, entry: EntryDict, kind: str) -> Node:
        node = Node(
            "note", self._lane(entry), entry["title"], positions=[entry["pos"]], at=entry["committed_at"], tone="quiet"
        )
        node.marks = [Mark(kind or "observed", kind or "observed")]
        node.process = ((entry["data"] or {}).get("data") or {}).get("process", "")
        self.nodes.append(node)
        self._keys[node] = entry["pos"]
        self._causes[node] = []
        return node

    def _emission(self, entry: EntryDict, message: str) -> Emission | None:
        """For a message that was sent more than once (a repeated reply), the sending concerned."""
        found = self._emissions.get(message, [])
        named = [one for one in found if one.pos in entry["cause_pos"]]
        sent = [one for one in found if _before(one.source, entry)]
        return (sent or named or found)[-1] if found else None

    def _committed(self, entry: EntryDict, message: str) -> Node | None:
        """The transaction after whose commit it was observed: the service's last one until then that took the message."""
        return next((node for node in reversed(self._takers(entry, message)) if _before(node, entry)), None)

    def _refused(self, entry: EntryDict, message: str) -> Node | None:
        """The transaction that committed the refusal, which was observed before that."""
        takers = self._takers(entry, message)
        return next((node for node in takers if node.refused and not _before(node, entry)), None)

    def _takers(self, entry: EntryDict, message: str) -> list[Node]:
        lane = self._lane(entry)
        return [node for node in self._known if message and node.lane == lane and message in self._causes[node]]

    def _lane(self, entry: EntryDict) -> Lane:
        struck = (entry["data"] or {}).get("data") or {}
        on_the_way = self._lanes.bus if struck.get("point") in ON_THE_WAY else None
        return on_the_way or self._lanes.of(entry["service"])


def _before(node: Node, entry: EntryDict) -> bool:
    """Whether a transaction had committed when something was observed. Assumes that both machines' clocks are right."""
    return datetime.fromisoformat(node.at) <= datetime.fromisoformat(entry["committed_at"])
