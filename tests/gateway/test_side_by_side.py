"""Who asks several parts asks them at once: parts that stand still are waited for together, not one after another."""

import time
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from gateway import clients, operate_api, readiness
from serving.health import router, side_by_side
from tests.breaking import silent_servers

pytestmark = [pytest.mark.urls("dashboard.urls"), pytest.mark.django_db(databases=["journal", "projections"])]


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Any:
    """All APIs of the services stand still."""
    with silent_servers(5) as urls:
        names = [*settings.SERVICES, "journal"]
        monkeypatch.setattr(settings, "API_URLS", {**settings.API_URLS, **dict(zip(names, urls, strict=True))})
        yield


def test_readyz_takes_as_long_as_one_part_that_stands_still(silent: None) -> None:
    began = time.monotonic()
    found = readiness.parts()
    assert time.monotonic() - began < 4, "five that stand still, 2 s each"
    silent_ones = {name: state for name, state in found.items() if name.startswith("api-")}
    assert silent_ones == dict.fromkeys(
        (f"api-{name}" for name in (*settings.SERVICES, "journal")), "not reachable (ReadTimeout)"
    )
    assert (found["database-journal"], found["database-projections"]) == ("ready", "ready")


def test_operate_takes_as_long_as_one_service_that_stands_still(silent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "TIMEOUT", 1.0)
    monkeypatch.setattr(operate_api.settings, "OPERATOR_TOKEN", "of-a-test")
    clients.client.cache_clear()
    try:
        began = time.monotonic()
        page = Client(HTTP_HOST="localhost").get("/operate")
        assert time.monotonic() - began < 3, "four that stand still, 1 s each"
    finally:
        clients.client.cache_clear()
    assert page.status_code == 200
    assert page.content.decode().count("its API does not answer") == 4


def test_a_services_own_readyz_asks_side_by_side() -> None:
    """Each part answers only while the other one is asked, too."""
    both = Barrier(2, timeout=5)
    routes: Any = router({"database": both.wait, "redis": both.wait})
    (readyz,) = routes.path_operations["/readyz"].operations
    assert readyz.view_func(None).status_code == 200


def test_what_one_raises_is_raised_when_all_have_ended() -> None:
    ended: list[str] = []
    with pytest.raises(ZeroDivisionError):
        side_by_side({"a": lambda: 1 / 0, "b": lambda: ended.append("b")})
    assert ended == ["b"]
    assert side_by_side({}) == {}
