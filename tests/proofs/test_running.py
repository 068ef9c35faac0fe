"""Tools that work on a running sandbox say so where none runs, and how to have one."""

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize("command", ["load", "hostile"])
def test_where_nothing_runs_it_says_what_to_do(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8699")
    with pytest.raises(
        CommandError, match=r"no sandbox runs at http://127\.0\.0\.1:8699/; start one: make run PORT=8699"
    ):
        call_command(command)
