from django.apps import AppConfig


class ControlConfig(AppConfig):
    """Registers `manage.py control` with Django; there are no models here."""

    name = "control"
