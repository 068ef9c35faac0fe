"""Transaction log tailing: PostgreSQL's write-ahead log through a logical replication slot, by psycopg 3 alone."""

from .connection import Resume
from .decoding import read_change
from .messages import (
    Change,
    Delete,
    Insert,
    Note,
    RawChange,
    Relation,
    Row,
    Transaction,
    Truncate,
    Update,
    format_lsn,
    parse_lsn,
)
from .stream import WalStream
from .values import converted, python_row, row_key
from .waiting import wait

__all__ = [
    "Change",
    "Delete",
    "Insert",
    "Note",
    "RawChange",
    "Relation",
    "Resume",
    "Row",
    "Transaction",
    "Truncate",
    "Update",
    "WalStream",
    "converted",
    "format_lsn",
    "parse_lsn",
    "python_row",
    "read_change",
    "row_key",
    "wait",
]
