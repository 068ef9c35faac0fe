"""ASGI entry point: HTTP for every service; WebSocket for the web process only."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

from config.pooling import pool_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _application() -> object:
    pool_connections(8)
    http = get_asgi_application()
    if settings.SERVICE != "web":
        return http
    from dashboard.socket.routing import websocket_urlpatterns

    return ProtocolTypeRouter(
        {"http": http, "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns))}
    )


application = _application()
