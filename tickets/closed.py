"""Tries to write a copy from Ticket itself, which owns its table: PostgreSQL refuses it. For people who want to see that."""

from dataclasses import dataclass

from django.db import Error

from messaging.database import Database
from messaging.process.outage import is_passing, sqlstate


class RolledBack(Exception):
    """Ends the transaction of a try that was not refused."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`sqlstate`: of the refusal; "" if the write was let happen, and then rolled back. `said`: PostgreSQL's message."""

    statement: str
    sqlstate: str
    said: str


def try_to_write(db: Database, table: str) -> Attempt:
    """Try it on every row of a table. Nothing is ever changed. Raises django.db.Error if the database is away."""
    statement = f"update {table} set version = version + 1"
    try:
        with db.atomic():
            db.run(statement)
            raise RolledBack
    except RolledBack:
        return Attempt(statement, "", "let happen, and rolled back")
    except Error as error:
        if is_passing(error):
            raise
        return Attempt(statement, sqlstate(error) or "", str(error).splitlines()[0])
