"""Transaction log tailing: PostgreSQL's write-ahead log through a logical replication slot, by psycopg 3 alone."""

from .connection import Resume
from .messages import (
    Change,
    Delete,
    Insert,
    Note,
    Relation,
    Row,
    Transaction,
    Truncate,
    Update,
    format_lsn,
    parse_lsn,
)
from .stream import WalStream
from .values import python_row, row_key
from .waiting import wait

__all__ = [
    "Change",
    "Delete",
    "Insert",
    "Note",
    "Relation",
    "Resume",
    "Row",
    "Transaction",
    "Truncate",
    "Update",
    "WalStream",
    "format_lsn",
    "parse_lsn",
    "python_row",
    "row_key",
    "wait",
]
