"""ASGI entry point: HTTP for every service; WebSocket for the web process only."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _pool_connections() -> None:
    """Under ASGI each request has a thread of its own, so a connection kept per thread is opened anew for each request.

    A pool gives them back. (A worker's one thread does better without.)
    """
    for database in filter(None, settings.DATABASES.values()):
        database["CONN_MAX_AGE"] = 0
        database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 5}


def _application() -> object:
    _pool_connections()
    http = get_asgi_application()
    if settings.SERVICE != "web":
        return http
    from dashboard.routing import websocket_urlpatterns

    return ProtocolTypeRouter(
        {"http": http, "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns))}
    )


application = _application()
