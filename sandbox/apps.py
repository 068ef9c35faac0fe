from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """Makes `manage.py sandbox` known to Django; there are no models here."""

    name = "sandbox"
