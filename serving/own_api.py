"""A process that answers only the front door: the control process, the auditor. It has an API of its own, and no pages.

prepare(api)            # first of all
threading.Thread(...)   # its other work
serve(host, port)       # until SIGTERM
"""

import signal
from types import FrameType, ModuleType

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.urls import path
from ninja import NinjaAPI

from messaging.process.lifecycle import settle
from serving.doors.bodies import Bounded
from serving.doors.sockets import BoundedHttp


def prepare(api: NinjaAPI) -> None:
    """From now on all URLs belong to this API, and a signal to end raises SystemExit. Raises ImproperlyConfigured."""
    if settings.SECRET_KEY == settings.NO_SECRET:
        raise ImproperlyConfigured(f"SERVICE={settings.SERVICE} needs a SECRET_KEY of its own")
    use(api)
    settle()
    # uvicorn raises the signal that ended it once more: by default that would kill this process before its own work has ended
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def use(api: NinjaAPI) -> None:
    """There are no pages, cookies or scripts."""
    urls = ModuleType(f"{settings.SERVICE}.urls")
    urls.urlpatterns = [path("", api.urls)]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    settings.MIDDLEWARE = ["serving.problems.ProblemMiddleware"]


def serve(host: str, port: int) -> None:
    application = Bounded(get_asgi_application())
    uvicorn.run(application, host=host, port=port, access_log=False, log_level="warning", http=BoundedHttp, ws="none")


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
