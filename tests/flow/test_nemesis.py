"""A short run of the nemesis: everything it breaks in a small way; the history it leaves is in order."""

from pathlib import Path

import pytest

from proofs.history import Recorder, load
from proofs.house import House
from proofs.nemesis.check import check
from proofs.nemesis.run import Asked, run
from tests.live import Live

pytestmark = pytest.mark.timeout(300)
# Of its six strikes one kills Booking's PostgreSQL, one restarts it, one moves Seat's clock; the views' database is
# read-only for a while, Redis stands still, and somebody holds the lock of a seat.
SEED, STRIKES = 7436, 6
KINDS = {"kill", "restart", "clock", "read-only", "freeze", "lock a row"}


def test_forty_bookings_and_six_strikes(live: Live, tmp_path: Path) -> None:
    apis = {
        name.removeprefix("API_URL_").lower(): url
        for name, url in live.sandbox.environments.values("web").items()
        if name.startswith("API_URL_")
    }
    house = House(live.url)
    try:
        with (tmp_path / "history.jsonl").open("w") as file:
            asked = Asked(bookings=40, seed=SEED, strikes=STRIKES)
            run(live.sandbox.layout, house, apis, Recorder(file), asked, lambda percent, what: None)
    finally:
        house.close()
    history = load(tmp_path / "history.jsonl")
    assert {entry["what"] for entry in history if entry["kind"] == "fault"} >= KINDS
    assert check(history) == []
