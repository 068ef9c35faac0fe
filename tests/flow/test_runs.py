"""Runs from a script, on the running house: out of the journal that records five databases, and in again, hash for hash."""

import json
from pathlib import Path
from typing import Any

from tests.live import Live


def runs(live: Live) -> list[dict[str, Any]]:
    return json.loads(live.command("runs", "--json", "list").stdout)["runs"]


def test_start_export_import_by_command(live: Live, tmp_path: Path) -> None:
    begun = live.command("runs", "start", "--name", "two bookings", "--seed", "7")
    assert begun.returncode == 0, begun.stderr
    live.ended(live.place(live.free_seats(1), "concert-2024"))
    live.ended(live.place(live.free_seats(1), "concert-2024", "tok_declined"))
    (mine,) = [run for run in runs(live) if run["open"]]
    assert (mine["id"], mine["name"], mine["seed"]) == (begun.stdout.strip(), "two bookings", "7")
    file = tmp_path / "run.jsonl"
    assert live.command("runs", "export", "live", str(file)).returncode == 0
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    kinds = [line["type"] for line in lines]
    assert {"sagabox.row", "sagabox.entry"} < set(kinds), "it begins mid-journal, with the rows there were"
    taken = live.command("runs", "import", str(file))
    assert taken.returncode == 0, taken.stderr
    assert "100 %" in taken.stderr
    copy = taken.stdout.strip()
    assert copy != mine["id"]
    assert live.http.get(f"/api/runs/{copy}/export").content == file.read_bytes()
    again = live.command("runs", "import", str(file))
    assert (again.returncode, "this run is here already" in again.stderr) == (1, True)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(file.read_bytes()[:-100])
    refused = live.command("runs", "import", str(cut))
    assert (refused.returncode, "it is cut off in the middle" in refused.stderr) == (1, True)
    missing = live.command("runs", "import", str(tmp_path / "none"))
    assert "No such file or directory" in missing.stderr
    assert live.http.delete(f"/api/runs/{copy}").status_code == 200
    assert [run["id"] for run in runs(live) if run["imported"]] == []
