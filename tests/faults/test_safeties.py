"""The bar that says which safety is off: by whom and since when, and no longer than it is true."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string

from gateway import safeties
from gateway.cached import Cached
from gateway.clients import ServiceDown
from tests.dashboard.markup import compact


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What the control process says is off. It does not answer while the list holds an empty dict."""
    found: list[dict[str, str]] = []

    def control(method: str, path: str, **request: Any) -> Any:
        if {} in found:
            raise ServiceDown("control", OSError("refused"))
        return {"off": found}

    monkeypatch.setattr(safeties, "control", control)
    monkeypatch.setattr(safeties, "SAFETIES_OFF", Cached[list[safeties.Off]](safeties._look, 0, []))
    return found


def bar(operator: bool = True) -> str:
    return compact(
        render_to_string("faults/faults.html#outages", {"off": safeties.SAFETIES_OFF.get(), "operator": operator})
    )


def test_while_everything_is_on_there_is_no_bar(plan: list[dict[str, str]]) -> None:
    assert "data-safety" not in bar()


def test_what_is_off_says_by_whom_and_how_long_ago(plan: list[dict[str, str]]) -> None:
    since = (datetime.now(UTC) - timedelta(minutes=3)).isoformat()
    plan.append({"name": "barrier", "by": "127.0.0.1", "at": since})
    text = bar()
    assert "<b>Barrier</b>, by<bdi>somebody at this machine</bdi>" in text
    assert ", 180 s ago" in text or ", 3 min ago" in text
    assert "/rail/mechanisms/barrier/on" in text
    assert "Switch on" not in bar(operator=False), "a visitor sees it, and may not switch it"


def test_what_was_switched_elsewhere_has_no_time(plan: list[dict[str, str]]) -> None:
    plan.append({"name": "outbox", "by": "", "at": ""})
    assert "<b>Outbox</b>, by<bdi>somebody</bdi>" in bar()
    assert "ago" not in bar()


def test_without_the_control_process_it_is_as_it_was_known_last(plan: list[dict[str, str]]) -> None:
    plan.append({"name": "barrier", "by": "", "at": ""})
    bar()
    plan.append({})
    assert "Barrier" in bar()
