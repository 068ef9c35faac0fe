"""One cell of the failpoint matrix for each fault point, over the running house; `manage.py matrix` runs all of them."""

import json
from functools import partial
from typing import Any

import pytest

from proofs.house import House
from proofs.matrix.cells import Cell, cells, one_for_each_point
from proofs.matrix.grid import complaint
from proofs.matrix.whole import run_all
from tests.drawing.narrated import check_moments
from tests.drawing.recording import own_rows
from tests.drawing.test_words import check_lanes
from tests.journal.packed_rows import LAYOUTS, opener
from tests.live import Live
from tests.waiting import wait_until

ELSEWHERE = ("process", "redis")  # tests/flow/test_faults.py and test_kills.py kill every process, and Redis
ENTRIES = """
    select e.pos, e.kind, e.service, e.xid, e.lsn, e.title, e.committed_at, e.causes::text[], e.cause_pos, e.cause_known,
        e.data::text, e.changes::text, e.packed, e.layouts
    from journal_entry e join journal_mention m on m.tape = e.tape and m.pos = e.pos
    where e.tape = 0 and m.correlation = %s order by e.pos
"""


def entries_of(live: Live, booking: str) -> list[dict[str, Any]]:
    names = ("pos", "kind", "service", "xid", "lsn", "title", "committed_at", "causes", "cause_pos", "cause_known")
    rows = live.rows("journal", ENTRIES, booking)
    changes = opener(live.rows("journal", LAYOUTS))
    found = [
        {**dict(zip(names, row, strict=False)), "data": json.loads(row[-4] or "null"), "changes": changes(*row[-3:])}
        for row in rows
    ]
    for entry in found:
        entry["committed_at"] = entry["committed_at"].isoformat()
    return own_rows(found, booking)


def run_cells(live: Live, chosen: list[Cell], width: int) -> None:
    """Each ends as designed, and the page has no word about it without an entry."""
    house = House(live.url)
    try:
        found = run_all(house, chosen, width=width)
    finally:
        house.close()
    assert not [complaint(cell) for cell in found["cells"] if not cell["good"]]
    assert found["verdict"] == "holds"
    for cell in found["cells"]:
        booking = cell["booking"]
        if not booking:
            continue
        entries = wait_until(partial(entries_of, live, booking), 30, f"the journal to have {booking}")
        try:
            check_lanes(booking, entries)
            check_moments(booking, entries)
        except AssertionError as error:
            error.add_note(f"{cell['row']}, {cell['column']}")
            raise


@pytest.mark.timeout(240)
def test_a_cell_for_each_fault_point_ends_as_designed(live: Live) -> None:
    run_cells(live, [cell for cell in one_for_each_point(cells()) if cell.point not in ELSEWHERE], width=8)


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_every_cell_ends_as_designed_and_is_told_in_no_false_word(live: Live) -> None:
    run_cells(live, [cell for cell in cells() if cell.point not in ELSEWHERE], width=8)
