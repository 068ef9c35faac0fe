"""One cell of the failpoint matrix for each fault point, over the running house; `manage.py matrix` runs all of them."""

import pytest

from proofs.house import House
from proofs.matrix.cells import cells, one_for_each_point
from proofs.matrix.grid import complaint
from proofs.matrix.whole import run_all
from tests.live import Live

pytestmark = pytest.mark.timeout(240)
ELSEWHERE = ("process", "redis")  # tests/flow/test_faults.py and test_kills.py kill every process, and Redis


def test_a_cell_for_each_fault_point_ends_as_designed(live: Live) -> None:
    chosen = [cell for cell in one_for_each_point(cells()) if cell.point not in ELSEWHERE]
    house = House(live.url)
    try:
        found = run_all(house, chosen, width=8)
    finally:
        house.close()
    assert not [complaint(cell) for cell in found["cells"] if not cell["good"]]
    assert found["verdict"] == "holds"
