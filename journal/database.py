"""The journal's database."""

from messaging.database import Database

JOURNAL = Database("journal")
