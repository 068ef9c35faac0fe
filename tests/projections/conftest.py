"""The four services, as event sources of the projections."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from redis import Redis

from tests.event_source import EventSource, serving
from tests.projections.projecting import SERVICES, Sources


@pytest.fixture
def sources(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    """The four services, at the addresses the settings name."""
    found = {service: EventSource(service, redis) for service in SERVICES}
    with serving(*found.values()):
        monkeypatch.setattr(settings, "API_URLS", {name: source.url for name, source in found.items()})
        yield found
