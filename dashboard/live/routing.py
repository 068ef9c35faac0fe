"""The front door's WebSockets: one address, for pages of this origin."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from dashboard.live.consumer import JournalConsumer
from serving.doors.origins import SameOrigin, nothing_there

NOTHING: Any = nothing_there
SOCKETS = SameOrigin(URLRouter([path("ws/journal", JournalConsumer.as_asgi()), re_path("", NOTHING)]))
