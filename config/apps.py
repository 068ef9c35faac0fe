"""The wiring as a Django app, so that every Django process has a Celery app: relays publish through the current one."""

from importlib import import_module

from django.apps import AppConfig


class Wiring(AppConfig):
    name = "config"

    def ready(self) -> None:
        import_module("config.celery")
