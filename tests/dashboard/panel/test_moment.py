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
