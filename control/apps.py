from django.apps import AppConfig


class ControlConfig(AppConfig):
    """Makes `manage.py control` known to Django; there are no models here."""

    name = "control"
