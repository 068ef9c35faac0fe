"""The plan's durable copy: the armed faults and their strikes. Redis may lose everything, also on purpose."""

import logging
import os
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from faults import BY_CONTROL, Action, Fault

log = logging.getLogger(__name__)
ENDED_KEPT = 50  # spent and cleared faults that stay in the list


@dataclass
class Record:
    """A fault and its outcome. `proofs` are the journal entries of its strikes, oldest first: {"number" (which strike),
    "pos", "booking", "at", "title"}.

    `until` is set while the control process carries it out: when it ends (ISO 8601, UTC).
    """

    fault: Fault
    proofs: list[dict[str, Any]] = field(default_factory=list)
    until: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**self.fault.as_dict(), "proofs": self.proofs, "until": self.until}


@dataclass
class State:
    """Everything that must survive the control process. A new epoch begins with a new file."""

    epoch: str = field(default_factory=lambda: uuid.uuid4().hex)
    records: dict[str, Record] = field(default_factory=dict)  # by the fault's id, in the order they were armed
    off: frozenset[str] = frozenset()  # mechanisms that are switched off
    switched: dict[str, dict[str, str]] = field(default_factory=dict)  # who switched each of them last: {"by", "at"}

    def switch(self, mechanism: str, *, off: bool, by: str, at: str) -> bool:
        """Switch it off or on; False if it is that already."""
        if (mechanism in self.off) == off:
            return False
        self.off = self.off | {mechanism} if off else self.off - {mechanism}
        self.switched[mechanism] = {"by": by, "at": at}
        return True

    def switched_off(self) -> list[dict[str, str]]:
        """What is off: {"name", "by", "at": ISO 8601}. "by" and "at" are empty for what was switched elsewhere."""
        unknown = {"by": "", "at": ""}
        return [{"name": name, **self.switched.get(name, unknown)} for name in sorted(self.off)]

    def live(self) -> list[Record]:
        return [record for record in self.records.values() if record.fault.live]

    def forget_oldest(self) -> None:
        ended = [name for name, record in self.records.items() if not record.fault.live and not record.until]
        for name in ended[: max(len(ended) - ENDED_KEPT, 0)]:
            del self.records[name]


def as_text(state: State) -> bytes:
    """The state as it is stored: equal states are the same bytes. A thousand faults take 2 ms."""
    return orjson.dumps(
        {
            "epoch": state.epoch,
            "off": sorted(state.off),
            "switched": state.switched,
            "records": list(state.records.values()),
        }
    )


def kills(fault: Fault) -> bool:
    """Whether it can keep a process or a server from coming up."""
    outage = (fault.point, fault.action) in BY_CONTROL
    return outage or fault.action in (Action.CRASH, Action.HANG)


def _read(raw: bytes) -> State:
    """Raises ValueError, TypeError, KeyError or AttributeError if the text is not a state. An older version stored no
    `switched`."""
    data = orjson.loads(raw)
    records = [Record(Fault(**item["fault"]), proofs=item["proofs"], until=item["until"]) for item in data["records"]]
    switched = {name: {"by": one["by"], "at": one["at"]} for name, one in data.get("switched", {}).items()}
    texts = [data["epoch"], *data["off"], *(text for one in switched.values() for text in one.values())]
    texts += [record.until for record in records]
    numbers = [proof["number"] for record in records for proof in record.proofs]
    if not all(isinstance(one, str) for one in texts) or not all(isinstance(one, int) for one in numbers):
        raise TypeError("a text or a number has another type")
    by_id = {record.fault.id: record for record in records}
    return State(epoch=data["epoch"], records=by_id, off=frozenset(data["off"]), switched=switched)


class Store:
    """`load` and `save`, in a directory of the control process's own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = directory / "plan.json"

    def load(self) -> State:
        """The state that was saved last; a new one if there is none, or if it cannot be read (then the file is moved aside)."""
        try:
            return _read(self._path.read_bytes())
        except FileNotFoundError:
            return State()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            aside = self._path.with_suffix(".unreadable")
            log.warning("the fault plan cannot be read (%r): nothing is armed; it is kept as %s", error, aside)
            self._path.replace(aside)
            return State()

    def end_what_kills(self) -> set[str]:
        """Before the sandbox starts: clear the faults that kill or stop processes or servers, or it might not start;
        returns the ids. Other faults survive a restart of the sandbox.
        """
        state, now = self.load(), datetime.now(UTC).isoformat(timespec="microseconds")
        deadly = [
            record for record in state.records.values() if (record.fault.live or record.until) and kills(record.fault)
        ]
        for record in deadly:
            record.fault, record.until = replace(record.fault, cleared_at=now), ""
        if deadly:
            self.save(state)
        return {record.fault.id for record in deadly}

    def save(self, state: State) -> None:
        """The state is on disk when this returns; a crash in between leaves the old file."""
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(as_text(state))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
