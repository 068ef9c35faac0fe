"""What a frame brings: every line once and in order, of each gauge and seat the last state, and nothing that is not escaped."""

import re
from typing import Any

from dashboard.live.address import Address
from dashboard.live.frames import Frame, join
from journal.noteworthy import for_live_pages
from tests.drawing.recording import SCENES, recorded

NASTY = '<img src=x onerror="alert(1)">\u202e'


def raw(pos: int, *changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "pos": pos, "kind": "transaction", "service": "seats", "xid": 700 + pos, "lsn": "0/16B3748",
        "committed_at": "2026-01-01T10:00:00+00:00", "title": f"entry {pos}", "correlations": ["b-1"],
        "changes": list(changes), **more,
    }  # fmt: skip


def seat(label: str, status: str, performance: str = "concert-2024") -> dict[str, Any]:
    row = {
        "performance_id": performance,
        "label": label,
        "status": status,
        "number": 1,
        "price": 100,
        "currency": "EUR",
    }
    return {"table": "projections_seatmap", "op": "update", "key": label, "old": {**row, "status": "?"}, "new": row}


def lag(view: str, behind: int) -> dict[str, Any]:
    row = {"view": view, "lag_ms": 3, "behind": behind, "applied": 1}
    return {"table": "projections_checkpoint", "op": "update", "key": view, "old": row, "new": row}


def frame(entry: dict[str, Any]) -> Frame:
    return Frame(entry["pos"], entry)


def test_a_log_takes_every_line_and_the_newest_comes_first() -> None:
    html = join([frame(raw(pos)) for pos in (4, 5, 6)], log=True, performance="")
    assert re.findall(r'id="e-(\d+)"', html) == ["6", "5", "4"]
    assert html.count("<ol>") == 1


def test_of_a_seat_and_a_gauge_the_last_state_is_brought_and_no_other() -> None:
    frames = [
        frame(raw(1, seat("A-1", "RESERVED"), lag("seat_map", 7))),
        frame(raw(2, seat("A-1", "SOLD"), seat("B-2", "RESERVED", "another"), lag("seat_map", 0), lag("bookings", 1))),
    ]
    html = join(frames, log=True, performance="concert-2024")
    assert re.findall(r'id="seat-[^"]*" data-label="([^"]*)" data-status="([^"]*)"', html) == [("A-1", "SOLD")]
    assert sorted(re.findall(r'id="lag-([^"]*)"', html)) == ["bookings", "seat_map"]
    assert "7 events behind" not in html


def test_a_page_without_a_log_is_told_what_is_concerned_and_not_what_happened() -> None:
    html = join([frame(raw(9, seat("A-1", "SOLD")))], log=False, performance="")
    assert 'data-pos="9"' in html
    assert 'data-bookings="b-1"' in html
    assert "entry 9" not in html
    assert "A-1" not in html


def test_whatever_a_row_says_is_text() -> None:
    row = {"id": NASTY, "name": NASTY, "status": NASTY}
    change = {"table": "booking_customer", "op": "update", "key": NASTY, "old": {**row, "name": "Kim"}, "new": row}
    html = join([frame(raw(1, change, title=NASTY, correlations=[NASTY], lsn=NASTY))], log=True, performance="")
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;") >= 3


def test_an_entry_is_parsed_once_and_then_forgotten() -> None:
    one = frame(raw(1))
    join([one], log=True, performance="")
    assert one.raw is None
    assert join([one], log=True, performance="").count("<li id=") == 1


def test_what_is_left_out_of_the_stream_is_nothing_a_page_would_draw() -> None:
    rows = [{"table": f"booking_{name}", "op": "insert", "key": str(number), "old": None, "new": {"id": number}}
            for name in ("booking", "sagalog") for number in range(9)]  # fmt: skip
    batch = raw(1, *rows, *(seat(f"A-{number}", "SOLD") for number in range(9)), lag("seat_map", 3))
    brought = for_live_pages(batch)
    assert len(brought["changes"]) == 8 + 9 + 1
    for log in (True, False):
        whole, less = (join([frame(entry)], log=log, performance="concert-2024") for entry in (batch, brought))
        assert less == whole
    assert for_live_pages(raw(2, seat("A-1", "SOLD"))) == raw(2, seat("A-1", "SOLD"))


def test_of_every_recorded_entry_a_page_draws_the_same_by_the_stream() -> None:
    found = [entry for story in SCENES for entry in recorded(story)[1]]
    assert sum(for_live_pages(entry) != entry for entry in found) > 10
    for entry in found:
        assert join([frame(for_live_pages(entry))], log=True, performance="") == join(
            [frame(entry)], log=True, performance=""
        )


def test_nonsense_in_the_address_is_no_position_and_a_name_of_its_own() -> None:
    for after in ("-1", "1e9", "9" * 400, "²", "١", "abc", "NaN", "1;drop"):
        assert Address.read(f"after={after}".encode()).after == -1, after
    assert Address.read(b"").after is None
    assert Address.read(b"after=12&epoch=e&log=1").after == 12
    assert len(Address.read(b"who=" + b"x" * 5000).who) == 36
    assert len(Address.read(b"performance=" + b"x" * 5000).performance) == 100
    assert Address.read(b"after=\xff\xfe").after == -1
