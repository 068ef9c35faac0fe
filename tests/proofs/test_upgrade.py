"""An upgrade with data: migrations that add columns, and everything recorded before is replayed with them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.runtime import Sandbox
from tests.live import PORT, ROOT, Live
from tests.waiting import wait_until

ADDED = {
    "booking": ("saga", "outbox"),
    "seats": ("hold", "outbox"),
    "payments": ("payment", "outbox"),
    "tickets": ("issuance", "outbox"),
    "projections": ("bookingview",),
}
MIGRATION = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [({app!r}, {last!r})]
    operations = [
        migrations.AddField(model, "note", models.TextField(default="x", db_default="x")) for model in {models!r}
    ]
"""


@contextmanager
def running(checkout: Path) -> Iterator[Live]:
    sandbox = Sandbox(checkout, PORT + 9)
    with sandbox, httpx.Client(base_url=sandbox.url, timeout=60) as http:
        sandbox.wait_healthy()
        wait_until(lambda: http.get("/readyz").status_code == 200, 120, "the sandbox to be ready")
        yield Live(sandbox, http)


def check(live: Live) -> dict[str, Any]:
    return dict(live.http.get("/api/replay/check").json())


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_what_was_recorded_before_an_upgrade_is_replayed_with_the_new_columns(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    try:
        with running(checkout) as live:
            placed = [live.place([seat], "concert-2024") for seat in live.free_seats(6)]
            live.ended(*placed)
            wait_until(lambda: check(live)["status"] == "equal", 60, "the journal to have it all")
        for app, models in ADDED.items():
            last = max(path.stem for path in (checkout / app / "migrations").glob("0*.py"))
            text = MIGRATION.format(app=app, last=last, models=models)
            (checkout / app / "migrations" / "9000_a_note.py").write_text(text)
        with running(checkout) as live:
            for app, models in ADDED.items():
                for model in models:
                    notes = live.rows(app, f"select count(*) > 0, bool_and(note = 'x') from {app}_{model}")
                    assert notes == [(True, True)], (app, model)
            wait_until(lambda: check(live)["status"] == "equal", 60, "each old row to be replayed with its new column")
            placed.append(live.place(live.free_seats(1), "concert-2024"))
            assert {row["state"] for row in live.ended(*placed)} == {"CONFIRMED"}
            wait_until(lambda: check(live)["status"] == "equal", 60, "new rows too")
            assert live.http.get("/api/verdict").json()["status"] == "holds"
    finally:
        Sandbox(checkout, PORT + 9).reset()
