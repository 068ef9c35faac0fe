import pytest
from django.test import Client
from django.urls import path
from ninja import NinjaAPI

from serving import health


def away() -> None:
    raise ConnectionError("nobody answers\nwith details on a second line")


api = NinjaAPI(urls_namespace="test-health", docs_url=None, openapi_url=None)
api.add_router("", health.router({"printer": away, "paper": lambda: None}))
urlpatterns = [path("", api.urls)]
pytestmark = pytest.mark.urls("tests.serving.test_health")


def test_a_process_can_be_alive_and_not_ready(client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "parts": {"printer": "ConnectionError: nobody answers", "paper": "ready"},
    }
