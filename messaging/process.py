"""What every long-lived loop needs: to hear SIGTERM, and a Redis client that fails at once."""

import signal
from types import FrameType

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class Stopping:
    """Called, says whether SIGTERM or SIGINT has come. Make it in the main thread."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        return self._asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


def impatient_redis() -> Redis:
    """A client that does not retry: its loop has other work, and a backoff of its own."""
    return Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), socket_connect_timeout=2, socket_timeout=5)
