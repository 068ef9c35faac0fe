"""ASGI entry point: HTTP for every service; WebSocket for the web process only."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()


def _application() -> object:
    if settings.SERVICE != "web":
        return http
    from dashboard.routing import websocket_urlpatterns

    return ProtocolTypeRouter(
        {"http": http, "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns))}
    )


application = _application()
