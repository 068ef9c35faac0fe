"""A process that is killed by the plan when it sends its heartbeat, and comes back: a real Celery worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

import faults
from tests.faults.told import told
from tests.waiting import wait_until
from topology.processes import BY_NAME

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        name: os.environ[name] for name in ("PATH", "REDIS_URL", "DATABASE_URL_PAYMENTS") if name in os.environ
    }
    child = subprocess.Popen(
        BY_NAME["worker-payments"].command(sys.executable),
        cwd=ROOT,
        env=environment | {"SERVICE": "payments", "SECRET_KEY": "of-a-test"},
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def test_a_worker_is_killed_once(redis: Redis) -> None:
    fault = faults.arm(redis, faults.parse({"point": "process", "action": "crash", "service": "worker-payments"}))
    with worker() as child:
        assert child.wait(PATIENCE) == -signal.SIGKILL
    assert [one["data"]["fault"] for one in told(redis)] == [fault.id]
    assert faults.listing(redis)[0].state == "exhausted"
    redis.delete("alive:worker-payments")
    with worker() as child:
        wait_until(lambda: redis.exists("alive:worker-payments"), PATIENCE, "a heartbeat")
        redis.delete("alive:worker-payments")
        wait_until(lambda: redis.exists("alive:worker-payments"), PATIENCE, "the next one")
        assert child.poll() is None
