"""A service's process serves its API; the web process serves the pages and the front door."""

from importlib import import_module

from django.conf import settings
from django.urls import include, path

if settings.SERVICE in settings.APIS:
    urlpatterns = [path("", import_module(f"{settings.HOUSE.service(settings.SERVICE).module}.api").api.urls)]
else:
    urlpatterns = [path("", include("dashboard.urls"))]
    handler400, handler404, handler500 = (f"gateway.errors.{name}" for name in ("unreadable", "not_found", "broken"))
