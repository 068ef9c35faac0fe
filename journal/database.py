"""The journal's database."""

from typing import Any

from messaging.database import Database

JOURNAL = Database("journal")
_BY_INDEX = """
    select set_config(name, 'off', true) from unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) name
"""


def by_index(cursor: Any) -> None:
    """Until the end of the transaction rows are looked up one by one, however many, and no table is read from end to end.

    For statements that join a batch with a table: the planner cannot know how the table will have grown by the next time.
    """
    cursor.execute(_BY_INDEX)
