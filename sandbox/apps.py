from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """Registers `manage.py sandbox` with Django; there are no models here."""

    name = "sandbox"
