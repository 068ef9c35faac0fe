"""A projector that is paused, slow, or dies after its commit."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from redis import Redis

import faults
from faults import Fault
from messaging.events.projector import Injected, Projector
from projections import queries
from projections.models import BookingView
from projections.views import VIEWS, checkpoints_of
from tests.faults.told import told
from tests.projections.story import BOOKINGS, booking
from tests.servers import environment_of
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(databases=["projections"], transaction=True),
    pytest.mark.usefixtures("redis"),
]
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "projector-bookings"


def arm(redis: Redis, point: str, action: str, **more: Any) -> Fault:
    return faults.arm(redis, faults.parse({"point": point, "action": action, "service": "projections", **more}))


def projector(redis: Redis, alive: faults.Alive = lambda: True) -> Projector:
    view = VIEWS["bookings"]
    found = Projector(view, checkpoints_of(view), Injected(redis, "projections", PROGRAM, alive))
    found.load()
    return found


def state() -> str:
    row = queries.booking(BOOKINGS[0])
    return row["state"] if row else ""


def applying(redis: Redis, envelope: dict[str, Any], alive: faults.Alive = lambda: True) -> threading.Thread:
    """A projector's thread that applies one event."""

    def run() -> None:
        try:
            projector(redis, alive).apply([envelope], [], {})
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("ends_by", [faults.clear, faults.release])
def test_a_paused_projector_stands_still_until_its_fault_is_gone(redis: Redis, ends_by: Any) -> None:
    fault = arm(redis, "projector.before", "pause", service=PROGRAM)
    beats: list[bool] = []
    thread = applying(redis, booking(BOOKINGS[0], 1, "PENDING"), lambda: beats.append(True))
    (held,) = wait_until(lambda: faults.held(redis), 10, "the pause")
    assert (held.process, held.action, state()) == (PROGRAM, "pause", "")
    ends_by(redis, fault.id)
    thread.join(20)
    assert state() == "PENDING"
    assert beats  # it is paused, not dead
    assert [one["data"]["fault"] for one in told(redis)] == [fault.id] * 2


def test_a_paused_projector_can_be_stopped(redis: Redis) -> None:
    arm(redis, "projector.before", "pause")
    applying(redis, booking(BOOKINGS[0], 1, "PENDING"), lambda: False).join(20)
    assert faults.held(redis) == []


def test_another_view_goes_on(redis: Redis) -> None:
    arm(redis, "projector.before", "pause", service="projector-seat-map")
    projector(redis).apply([booking(BOOKINGS[0], 1, "PENDING")], [], {})
    assert state() == "PENDING"


@pytest.mark.parametrize("point", ["projector.before", "projector.committed"])
def test_a_slow_projector_takes_its_time_with_each_event(redis: Redis, point: str) -> None:
    arm(redis, point, "delay", seconds=0.15, trigger={"kind": "always"}, message="BookingPlaced")
    began = time.monotonic()
    projector(redis).apply([booking(one, 1, "PENDING") for one in BOOKINGS], [], {})
    assert time.monotonic() - began >= 0.3
    assert BookingView.objects.count() == 2


def apply_in_a_process(envelope: dict[str, Any]) -> int:
    code = (
        "import django, json, sys; django.setup()\n"
        "from messaging.process.redis import redis_client\n"
        "from tests.faults.test_projector import projector\n"
        "projector(redis_client()).apply([json.load(sys.stdin)], [], {})"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=environment_of("projections"), input=json.dumps(envelope), text=True, timeout=60, check=False,
    ).returncode  # fmt: skip


@pytest.mark.parametrize(("point", "seen"), [("projector.before", ""), ("projector.committed", "PENDING")])
def test_it_dies_once_and_what_it_had_committed_stays(redis: Redis, point: str, seen: str) -> None:
    arm(redis, point, "crash")
    event = booking(BOOKINGS[0], 1, "PENDING")
    assert apply_in_a_process(event) == -signal.SIGKILL
    assert state() == seen
    assert apply_in_a_process(event) == 0
    assert state() == "PENDING"
