"""Connections that a program keeps for the same few statements, each about a few rows, again and again.

    keep_connections()              # of all databases of this process, in every thread: before the first query
    keep_connection("booking")      # of one database, in this thread alone: the process's other threads use a pool

Such a connection prepares each statement when it first runs it, and plans it once: a plan by index, whatever the tables' size.
Statements that read whole tables (an auditor's, hashes) need other plans, and so another connection.
"""

import select
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connections

PLANNER = {
    # PostgreSQL expects 100 rows of jsonb_to_recordset, and ten of an array that it does not see; for so many it would read a
    # whole table, with every message, as long as the table is small, and keep that plan while it grows.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",  # it would read all of an index instead
    "enable_mergejoin": "off",
    # A row more than needed counts a lot, so that a table of some dozens of rows, too, is read by its keys.
    "cpu_tuple_cost": "1",
    "cpu_index_tuple_cost": "1",
    "jit": "off",  # no plan is as dear as such costs make it look
    # Without it the first five plans are made for the values at hand, and the sixth is compared with them.
    "plan_cache_mode": "force_generic_plan",
}


def kept(database: Mapping[str, Any]) -> dict[str, Any]:
    """Django's settings of a database, changed for a connection that is kept."""
    options = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    planner = [f"-c {name}={value}" for name, value in PLANNER.items()]
    options["options"] = " ".join(filter(None, [options.get("options", ""), *planner]))
    options |= {"server_side_binding": True, "prepare_threshold": 0}
    return {**database, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False, "OPTIONS": options}


def keep_connections() -> None:
    """Keep the connections of every database of this process."""
    for database in filter(None, settings.DATABASES.values()):
        database.update(kept(database))


def keep_connection(alias: str) -> None:
    """Keep the connection of this database in this thread."""
    connections[alias].close()
    own = connections[alias].copy()
    own.settings_dict = kept(own.settings_dict)
    connections[alias] = own


def close_if_cut(alias: str) -> None:
    """Close this thread's connection if its server has ended it. Costs a system call: nothing arrives on an idle connection,
    unless its server ends it, or says that it has other settings."""
    connection = connections[alias].connection
    if connection is not None and not connection.closed:
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        if waiting.poll(0):
            connections[alias].close()
