"""The words of a replayed moment's list: what the checkpoints and the index of that moment say, and no more."""

from typing import Any

import pytest
from django.template.loader import render_to_string

from dashboard.panel import moment
from journal.reading.moments import FlightThen, RowThen
from tests.dashboard.markup import compact

SEAT_MAP: dict[str, Any] = {"view": "seat_map", "applied": 3, "lag_ms": 20, "behind": 0}


def checkpoint(source: str, pos: int, **more: Any) -> RowThen:
    row = {**SEAT_MAP, "source": source, **more}
    return RowThen("projections", moment.CHECKPOINTS, f"seat_map/{source}", pos, row)


def test_a_view_is_as_far_as_all_its_checkpoints() -> None:
    rows = [checkpoint("seats", 40, behind=2), checkpoint("booking", 44, lag_ms=35, behind=1)]
    (told,) = moment._lags(rows)
    assert told == {"view": "seat_map", "lag_ms": 35, "behind": 3, "pos": 44}
    text = compact(render_to_string("panel/then.html", {"then": {"pos": 90, "lags": [told]}}))
    assert "last seen at #44, its last row 35 ms behind its event, with 3 events not yet read" in text


def test_of_more_messages_than_are_read_no_exact_number_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def text(flying: int) -> str:
        found = [FlightThen(str(pos), "command", "Do", "booking", "seats", "", pos) for pos in range(flying)]
        monkeypatch.setattr(moment.moments, "flights_at", lambda pos, tape, limit: found[:limit])
        return render_to_string("panel/then.html", moment.panels(90, "hall"))

    for name, value in (("indexed", 90), ("faults_at", [])):
        monkeypatch.setattr(moment.moments, name, lambda *_, value=value: value)
    monkeypatch.setattr(moment.masked_reading, "rows_at", lambda *_, **__: [])
    assert 'class="more">and 38 more' in text(50)
    assert 'class="more">and at least 188 more' in text(300)


def test_a_seat_that_the_view_shows_otherwise_has_a_corner_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"performance_id": "hall", "section": "S", "row": "A", "price": 1, "currency": "EUR", "place_version": 1}
    shown = [{**place, "label": f"A-{n}", "number": n, "status": "AVAILABLE", "version": 3} for n in (1, 2, 3)]
    truth = [
        {"label": "A-1", "status": "RESERVED", "version": 4},  # not applied yet
        {"label": "A-2", "status": "AVAILABLE", "version": 5},  # reserved and released meanwhile
        {"label": "A-3", "status": "SOLD", "version": 2},  # an older state than the view's
        {"label": "A-9", "status": "SOLD", "version": 9},  # has no place on the map
    ]
    rows = {moment.SEATS: shown, moment.TRUTH: truth, moment.CHECKPOINTS: []}

    def rows_at(_pos: int, _tape: int = 0, *, tables: list[str], **_: Any) -> list[RowThen]:
        return [RowThen("-", tables[0], str(row["label"]), 7, row) for row in rows[tables[0]]]

    monkeypatch.setattr(moment.masked_reading, "rows_at", rows_at)
    for name, value in (("indexed", 90), ("faults_at", []), ("flights_at", [])):
        monkeypatch.setattr(moment.moments, name, lambda *_, value=value, **__: value)
    found = moment.panels(90, "hall")["seats_then"]
    context = {"sections": found["sections"], "live": False, "performance": "hall"}
    text = compact(render_to_string("drawing/seats.html", context))
    assert text.count("data-truth") == 1
    assert (
        'data-truth="RESERVED" title="The view shows available; Seat has it reserved" aria-label="A-1, available"'
        in text
    )
    assert moment.panels(90, "hall", seen=found["version"])["seats_then"] is None
    rows[moment.TRUTH] = []  # the map is the same, but none differs any more
    again = moment.panels(91, "hall", seen=found["version"])["seats_then"]
    assert again is not None
    assert moment.TRUTH == "seats_seat"
