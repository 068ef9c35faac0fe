"""Sagabox as the bench measures it: real bookings in a running sandbox, with their times from the journal."""

import os

import pytest

from bench.apart import Failed, apart
from bench.results import CONFIRMED, EMPTY, GENERATOR, GROUPED, INDEXED, REQUEST, VIEWS, Bulk, Lone
from bench.sagabox import Order, measure_running
from tests.live import Live

ORDER = Order(port=0, past=0, bookings=20, lone=2, clients=4, grouped=True)


def times_of_a_stranger(environment: dict[str, str]) -> None:
    """The times of a booking that there is not."""
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")
    import django

    django.setup()
    from bench import rows

    rows.times(["0198c0de-0000-7000-8000-000000000000"], rows.mark())


def test_a_sandbox_is_measured(live: Live) -> None:
    live.settled()
    ((before,),) = live.rows("booking", "select count(*) from booking_booking where state = 'CONFIRMED'")
    pids = {name: status.pid for name, status in live.sandbox.processes().items() if status.pid}
    environment = live.sandbox.environments.control()
    lone, *bulks = apart(measure_running, ORDER, live.url, pids, environment) or []
    assert isinstance(lone, Lone)
    for confirmed, shown in zip(lone.samples_ms[CONFIRMED], lone.samples_ms[VIEWS], strict=True):
        assert 0 < confirmed < shown
    assert [(bulk.house, bulk.way, bulk.clients) for bulk in bulks if isinstance(bulk, Bulk)] == [
        (EMPTY, REQUEST, 4),
        (EMPTY, GROUPED, 1),
    ]
    for bulk in bulks:
        assert isinstance(bulk, Bulk)
        assert 0 < bulk.seconds[CONFIRMED] < bulk.seconds[VIEWS] < bulk.seconds[INDEXED]
        assert bulk.past == before
        assert bulk.cpu_ms.keys() == {*pids, GENERATOR}
        assert bulk.cpu_ms["worker-booking"] > 0
    ((after,),) = live.rows("booking", "select count(*) from booking_booking where state = 'CONFIRMED'")
    assert after - before == 2 + 20 + 20 + 20


def test_a_booking_that_the_journal_lacks_is_no_figure(live: Live) -> None:
    with pytest.raises(Failed, match="the journal lacks its confirmation of 1 bookings, 0198c0de"):
        apart(times_of_a_stranger, live.sandbox.environments.control())
