"""The read models' database."""

from messaging.database import Database

PROJECTIONS = Database("projections")
