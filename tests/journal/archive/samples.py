"""Runs made up by hypothesis, and the one line of each kind that a test spoils."""

import uuid
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from journal.archive.lines import Change
from journal.archive.writing import Digits, Writer
from messaging.hashing import added, row_hash

EPOCH = "01920000-0000-7000-8000-000000000000"
# What PostgreSQL's jsonb and text can hold: no NUL, no half of a character.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


def _as_read(number: Any) -> Any:
    return Digits(str(number)) if not isinstance(number, int) or abs(number) >= 2**63 else number


numbers: st.SearchStrategy[Any] = (
    st.integers() | st.decimals(-(10**9), 10**9, places=3) | st.just(10**30) | st.integers(-(2**63), 2**63 - 1)
).map(_as_read)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
rows = st.dictionaries(texts, values, max_size=3)
ids = st.uuids().map(str)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)).map(datetime.isoformat)  # noqa: DTZ001
# What is known of them comes first: so a reader gives it back.
faults = st.dictionaries(texts, values, max_size=2).map(
    lambda more: (
        {"action": "crash"}
        | {name: value for name, value in more.items() if name not in ("id", "action", "point", "service")}
    )
)
definitions = st.fixed_dictionaries(
    {
        "columns": st.lists(st.tuples(texts.filter(bool), texts.filter(bool)).map(list), max_size=2),
        "key": st.just(["id"]),
    }
).map(lambda found: {name: found[name] for name in ("columns", "key")})
tables = st.dictionaries(texts, st.dictionaries(texts, definitions, max_size=2), max_size=2)
names = st.sampled_from(["a run", "Première", "ルン", "<b>run</b>", "حفلة"])
numbers64 = st.integers(0, 2**63 - 1)
changes = st.fixed_dictionaries(
    {
        "table": texts.filter(bool),
        "op": st.sampled_from(["insert", "update", "delete", "truncate"]),
        "key": st.none() | texts,
        "old": st.none() | rows,
        "new": st.none() | rows,
    }
).map(lambda change: {name: change[name] for name in Change.__annotations__})
observed: st.SearchStrategy[dict[str, Any]] = rows.map(
    lambda row: {"data": {}} | {name: value for name, value in row.items() if name not in ("kind", "messageid", "data")}
)
entries = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["transaction", "observation"]),
        "service": st.sampled_from(["booking", "seats"]),
        "xid": st.none() | numbers64,
        "lsn": texts,
        "committed_at": moments,
        "recorded_at": moments,
        "title": texts,
        "causes": st.lists(ids, max_size=2),
        "cause_pos": st.lists(numbers64, max_size=2),
        "cause_known": st.booleans(),
        "emits": st.lists(ids, max_size=2),
        "correlations": st.lists(texts, max_size=2),
        "data": st.none() | observed,
        "changes": st.lists(changes, max_size=2),
    }
)
hashes = st.just({"seats": {"seats_seat": {"rows": 2, "hash": "-17"}}})


def _caused(entry: dict[str, Any], pos: int) -> dict[str, Any]:
    """What caused an entry was journaled before it."""
    return {**entry, "cause_pos": [cause % (pos - 1) + 1 for cause in entry["cause_pos"]] if pos > 1 else []}


@st.composite
def runs(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """All of a run's lines but the trailer, as (kind, data)."""
    start = draw(st.integers(1, 10**6))
    found = draw(st.lists(entries, max_size=3))
    placed = [
        ("entry", {"pos": start + number, **_caused(entry, start + number)}) for number, entry in enumerate(found)
    ]
    run = {
        "schema": 1,
        "id": draw(ids),
        "epoch": EPOCH,
        "name": draw(names),
        "seed": draw(names),
        "faults": draw(st.lists(faults, max_size=2)),
        "tables": draw(tables),
        "started_pos": start,
        "last_pos": start + len(found) - 1,
        "started_at": draw(moments),
        "ended_at": draw(st.none() | moments),
        "hashes": draw(hashes),
    }
    there = {
        "service": "seats", "table": "seats_seat", "key": draw(texts), "from_pos": start - 1,
        "correlation": draw(st.none() | texts), "row": draw(rows),
    }  # fmt: skip
    under_way = {
        "id": draw(ids), "kind": "command", "type": "ReserveSeats", "source": "booking", "target": "seats",
        "correlation": "", "from_pos": start - 1,
    }  # fmt: skip
    snapshot = draw(st.lists(st.just(("row", there)), max_size=2)) + draw(st.lists(st.just(("flight", under_way))))[:2]
    return [("run", run), *snapshot, *placed, ("state", {"pos": start + len(found) - 1, "hashes": run["hashes"]})]


def text_of(run: list[tuple[str, dict[str, Any]]]) -> bytes:
    writer = Writer(EPOCH, run[0][1]["started_at"])
    written = []
    for kind, data in run:
        written.append(writer.state(**data) if kind == "state" else getattr(writer, kind)(data))
    return b"".join([*written, writer.end()])


def sample(entries: int = 3, start: int = 1) -> list[tuple[str, dict[str, Any]]]:
    """A small run that is always the same."""
    at = "2027-01-01T00:00:00+00:00"
    placed = [
        (
            "entry",
            {
                "pos": start + number - 1, "kind": "transaction", "service": "seats", "xid": 700 + number, "lsn": "0/1",
                "committed_at": at, "recorded_at": at, "title": "thing HELD", "causes": [], "cause_pos": [],
                "cause_known": True, "emits": [str(uuid.UUID(int=number))], "correlations": ["b-1"], "data": None,
                "changes": [
                    {"table": "seats_thing", "op": "insert", "key": str(number), "old": None,
                     "new": {"id": number, "status": "HELD", "price": 10}}
                ],
            },
        )
        for number in range(1, entries + 1)
    ]  # fmt: skip
    run = {
        "schema": 1, "id": str(uuid.UUID(int=1)), "epoch": EPOCH, "name": "a run", "seed": "7", "faults": [],
        "tables": {}, "started_pos": start, "last_pos": start + entries - 1, "started_at": at, "ended_at": at,
        "hashes": {},
    }  # fmt: skip
    things: list[Any] = [
        (str(number), {"id": number, "status": "HELD", "price": 10}) for number in range(1, entries + 1)
    ]
    total = added(0, *(row_hash(key, row) for key, row in things))
    hashes = {"seats": {"seats_thing": {"rows": entries, "hash": str(total)}}}
    return [("run", run), *placed, ("state", {"pos": start + entries - 1, "hashes": hashes})]
