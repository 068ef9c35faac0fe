"""The backend itself: `"ENGINE": "messaging.postgresql"`."""

from contextlib import suppress
from typing import Any

import psycopg
from django.db import Error
from django.db.backends.postgresql import base

from messaging.postgresql.bounded import BoundedConnection, is_silent
from messaging.process.outage import CommitUnknownError, sqlstate

UNKNOWN = ("08", "57P")  # SQLSTATE classes that leave a commit's outcome open: the connection, or its server, has ended


class _Driver:
    """What Django uses as the driver: psycopg, with connections that time out."""

    connect = staticmethod(BoundedConnection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class DatabaseWrapper(base.DatabaseWrapper):
    """Raises CommitUnknownError from a commit whose outcome is not known; a commit that the server refused is rolled back."""

    Database = _Driver()  # type: ignore[assignment]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.pool and is_silent(str(conn_params.get("host")), int(conn_params.get("port") or 0)):
            raise psycopg.OperationalError("PostgreSQL did not answer a moment ago")
        return super().get_new_connection(conn_params)

    def _commit(self) -> Any:
        try:
            return super()._commit()  # type: ignore[misc]
        except Error as error:
            state = sqlstate(error)
            if state and not state.startswith(UNKNOWN):
                raise
            self._give_up()
            raise CommitUnknownError(f"the connection was lost during the commit: {error}") from error

    def _rollback(self) -> Any:
        if self.connection is not None and self.connection.closed:
            return self._give_up()
        return super()._rollback()  # type: ignore[misc]

    def _give_up(self) -> None:
        """The connection is lost, and with it its transaction. Django would reconnect now, only to leave the block: a
        needless wait, and an error of it would hide the first one."""
        with suppress(Error):
            self._close()  # type: ignore[attr-defined]
        self.closed_in_transaction = True
