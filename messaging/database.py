"""The database handle: what a local transaction needs of a database. Its caller decides which database that is.

    db = Database.of(Outbox)                   # where this house keeps the tables of a service
    with db.atomic():                          # the caller's transaction
        changes = reserve(db, commands)        # the service's rows
        db.append(Outbox, messages)            # its messages, in the same transaction

`RawDatabase(connection)` is the same over a psycopg connection, whose transaction the caller begins and ends by its own means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import orjson
from django.db import connections, models, router, transaction
from psycopg import ClientCursor, Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.string import TextLoader

from messaging.outbox.append import Message, OutboxError, insertion

Parameters = Sequence[Any] | Mapping[str, Any] | None


class Database:
    """A database of this process's settings, by its alias. May be shared by threads: each has a connection of its own.

    Values come as Django gives them: `jsonb` is text (see `from_json`), a time has its zone. Errors are django.db's.
    """

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def __repr__(self) -> str:
        return f"Database('{self.alias}')"

    @classmethod
    def of(cls, model: type[models.Model]) -> Database:
        """The database that has this model's table. Raises config.router.OwnershipError where this process may not know it."""
        return Database(router.db_for_write(model))

    def cursor(self) -> AbstractContextManager[Any]:
        return connections[self.alias].cursor()

    def atomic(self) -> AbstractContextManager[Any]:
        """A local transaction, or a savepoint in the one that is open. An exception that leaves the block rolls it back."""
        return transaction.atomic(using=self.alias)

    @property
    def in_transaction(self) -> bool:
        return transaction.get_connection(self.alias).in_atomic_block

    def close(self) -> None:
        """Close this thread's connection; the next statement opens another one."""
        connections[self.alias].close()

    def rows(self, statement: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """All rows that a query, or a statement with RETURNING, returns."""
        with self.cursor() as cursor:
            cursor.execute(statement, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def row(self, statement: str, parameters: Parameters = None) -> tuple[Any, ...] | None:
        """The first row, or None."""
        found = self.rows(statement, parameters)
        return found[0] if found else None

    def named(self, statement: str, parameters: Parameters = None) -> list[dict[str, Any]]:
        """All rows, each value by its column's name."""
        with self.cursor() as cursor:
            cursor.execute(statement, parameters)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def run(self, statement: str, parameters: Parameters = None) -> int:
        """Run a statement and ignore its rows, if any; return how many rows it affected."""
        with self.cursor() as cursor:
            cursor.execute(statement, parameters)
            return int(cursor.rowcount)

    def append(self, outbox: type[models.Model], messages: Iterable[Message]) -> None:
        """Write messages to a service's outbox, in order, in one statement. Raises OutboxError outside a transaction."""
        self.check_in_transaction(outbox)
        asked = list(messages)
        if asked:
            self.run(*insertion(outbox, asked))

    def check_in_transaction(self, outbox: type[models.Model]) -> None:
        """Raises OutboxError outside a transaction."""
        if not self.in_transaction:
            raise OutboxError(f"append to {outbox._meta.db_table} outside a transaction of {self!r}")


class RawDatabase(Database):
    """The database that a psycopg connection is connected to. `atomic` is a savepoint where the caller has begun a transaction.

    Parameters are bound, and values come, as over Django's connections; times have the session's zone. Errors are psycopg's.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        super().__init__(alias="")
        self._connection = connection

    def __repr__(self) -> str:
        return f"RawDatabase({self._connection!r})"

    def cursor(self) -> AbstractContextManager[Any]:
        cursor = ClientCursor(
            self._connection, row_factory=tuple_row
        )  # whatever rows the connection makes for its owner
        cursor.adapters.register_loader("jsonb", TextLoader)
        return cursor

    def atomic(self) -> AbstractContextManager[Any]:
        return self._connection.transaction()

    @property
    def in_transaction(self) -> bool:
        """Also before the first statement of a connection that is not in autocommit mode: that one begins the transaction."""
        begun = self._connection.info.transaction_status != TransactionStatus.IDLE
        return begun or not self._connection.autocommit

    def close(self) -> None:
        """Does nothing: the connection is its owner's."""


def from_json(value: str | None) -> Any:
    """A value of a `jsonb` column as a handle returns it: text, or None for NULL."""
    return None if value is None else orjson.loads(value)
