"""A short run of the nemesis: everything it breaks in a small way; the history it leaves is in order."""

from pathlib import Path

import pytest

from proofs.history import Recorder, load
from proofs.house import House
from proofs.nemesis.check import check
from proofs.nemesis.run import Asked, run
from tests.live import Live

pytestmark = pytest.mark.timeout(300)
SEED = (
    39  # of its four strikes one kills a process, one restarts a PostgreSQL, one stops a relay, one moves Seat's clock
)


def test_forty_bookings_and_four_strikes(live: Live, tmp_path: Path) -> None:
    apis = {
        name.removeprefix("API_URL_").lower(): url
        for name, url in live.sandbox.environments.values("web").items()
        if name.startswith("API_URL_")
    }
    house = House(live.url)
    try:
        with (tmp_path / "history.jsonl").open("w") as file:
            asked = Asked(bookings=40, seed=SEED, strikes=4)
            run(live.sandbox.layout, house, apis, Recorder(file), asked, lambda percent, what: None)
    finally:
        house.close()
    history = load(tmp_path / "history.jsonl")
    assert {entry["what"] for entry in history if entry["kind"] == "fault"} >= {"kill", "restart", "stop", "clock"}
    assert check(history) == []
