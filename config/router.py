"""The database of each model, and the error for touching another service's table."""

from typing import Any

from django.conf import settings
from django.db import models


class OwnershipError(RuntimeError):
    """A process touched a table that belongs to another service."""


class OwnershipRouter:
    """Map app label -> the alias of the database it is in; refuse access to other databases. Raises OwnershipError,
    which names both services, when a model is read or written in a process without its database.
    """

    def _alias(self, model: type[models.Model]) -> str | None:
        owner = model._meta.app_label
        alias = settings.HOUSE.app_aliases.get(owner)
        if alias is None:
            return None
        if alias not in settings.DATABASES:
            raise OwnershipError(
                f"service '{settings.SERVICE}' touched {model._meta.label}, which belongs to service '{owner}'; "
                f"ask {owner}'s HTTP API, or keep a read-only copy fed by {owner}'s events"
            )
        return alias

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        return self._alias(model)

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str | None:
        return self._alias(model)

    def allow_relation(self, left: models.Model, right: models.Model, **hints: Any) -> bool:
        return left._meta.app_label == right._meta.app_label

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return settings.HOUSE.app_aliases.get(app_label) == db
