"""A short hostile campaign over the running house: no 5xx, nobody dies, nothing unasked for is written."""

import pytest

from proofs.hostile.whole import run
from proofs.house import House
from tests.live import Live

pytestmark = pytest.mark.timeout(240)


def test_what_nobody_should_send(live: Live) -> None:
    apis = {
        name.removeprefix("API_URL_").lower(): url
        for name, url in live.sandbox.environments.values("web").items()
        if name.startswith("API_URL_")
    }
    house = House(live.url)
    try:
        found = run(
            house, apis, 120, 7, lambda: {name: status.pid for name, status in live.sandbox.processes().items()}
        )
    finally:
        house.close()
    assert found.failures == []
    assert found.outcome.statuses[422] > 10  # they were looked at, and refused
