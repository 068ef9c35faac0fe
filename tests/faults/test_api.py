"""A service's API that is down or slow on purpose."""

import time
from typing import Any

import pytest
from django.test import AsyncClient
from redis import Redis

import faults
from faults import Fault
from serving import api_faults
from serving.problems import MEDIA_TYPE
from tests.faults.told import told

pytestmark = [
    pytest.mark.urls("tests.payments.urls"),
    pytest.mark.usefixtures("redis", "_as_payments"),
]


@pytest.fixture
def _as_payments(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SERVICE = "payments"
    settings.MIDDLEWARE = ["serving.problems.ProblemMiddleware", "serving.api_faults.ApiFaults"]
    monkeypatch.setattr(api_faults, "STALE_S", 0.0)  # each request reads the plan, so that nothing here has to wait
    monkeypatch.setattr(api_faults, "MAX_AGE_S", 0.0)


def arm(redis: Redis, action: str, **more: Any) -> Fault:
    return faults.arm(redis, faults.parse({"point": "api", "action": action, "service": "payments", **more}))


async def get(path: str = "/api/openapi.json") -> Any:
    return await AsyncClient().get(path)


async def test_an_api_that_is_down_says_that_it_is_on_purpose(redis: Redis) -> None:
    fault = arm(redis, "down", trigger={"kind": "always"})
    answers = [await get(), await get("/readyz")]
    assert [answer.status_code for answer in answers] == [503, 503]
    body = answers[0].json()
    assert (answers[0]["Content-Type"], body["title"]) == (MEDIA_TYPE, "Injected fault")
    assert fault.id in body["detail"]
    assert answers[0]["X-Injected-Fault"] == fault.id
    assert (await get("/healthz")).status_code == 200  # nobody restarts it
    assert [one["data"]["fault"] for one in told(redis)] == [fault.id] * 2
    faults.clear(redis, fault.id)
    assert (await get()).status_code == 200


async def test_an_api_can_be_slow_for_one_method(redis: Redis) -> None:
    arm(redis, "delay", seconds=0.3, message="POST")
    began = time.monotonic()
    assert (await get()).status_code == 200
    assert time.monotonic() - began < 0.3
    arm(redis, "delay", seconds=0.3, message="GET")
    assert (await get()).status_code == 200
    assert time.monotonic() - began >= 0.3


async def test_without_redis_the_api_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Redis(port=9, socket_connect_timeout=0.1)
    monkeypatch.setattr(api_faults, "impatient_redis", lambda: nowhere)
    assert (await get()).status_code == 200


async def test_in_a_rush_the_plan_is_read_now_and_then(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_faults, "MAX_AGE_S", 60.0)
    monkeypatch.setattr(api_faults, "STALE_S", 120.0)
    client = AsyncClient()
    await client.get("/healthz")
    redis.config_resetstat()
    for _ in range(20):
        assert (await client.get("/healthz")).status_code == 200
    stats: Any = redis.info("commandstats")
    assert "cmdstat_hgetall" not in stats
