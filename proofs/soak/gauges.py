"""What a soak measures: memory of each process, connections, WAL kept for slots, streams, tables.

Memory is Linux' proportional set size from /proc; elsewhere it is left out.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from dotenv import dotenv_values
from redis import Redis, RedisError

from proofs import running
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from topology.processes import ALIASES

# Connections, WAL that the slots of its instance make it keep, and size. Anybody may read pg_replication_slots.
_DATABASE = """
    select (select count(*) from pg_stat_activity where datname = current_database()),
        (select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint from pg_replication_slots),
        pg_database_size(current_database())
"""
STREAMS = ("journal", "observations", "events.booking", "events.seats", "events.payments", "events.tickets")
Look = dict[str, float]


class Gauges:
    """`look()` gives {"memory/<process>": MiB, "connections/<database>": n, "wal/...": MiB, "size/...": MiB, "stream/...": n}.

    A server that does not answer is left out of that measurement. Raises NoSandbox if no sandbox runs there.
    """

    def __init__(self, layout: Layout) -> None:
        self._supervisor = running.supervisor(layout)
        self._urls = {alias: _url(layout, alias) for alias in ALIASES}
        self._redis: Redis = Redis.from_url(dotenv_values(layout.environment_file("web"))["REDIS_URL"] or "")

    def look(self) -> Look:
        found: Look = {}
        with suppress(SandboxError):
            for name, status in self._supervisor.statuses().items():
                if status.pid:
                    found[f"memory/{name}"] = _resident(status.pid)
        for alias, url in self._urls.items():
            with suppress(psycopg.Error), psycopg.connect(url, connect_timeout=3) as connection:
                row: Any = connection.execute(_DATABASE.encode()).fetchone()
                found |= {
                    f"connections/{alias}": row[0] - 1,
                    f"wal/{alias}": row[1] / 2**20,
                    f"size/{alias}": row[2] / 2**20,
                }
        with suppress(RedisError):
            for stream in STREAMS:
                found[f"stream/{stream}"] = int(self._redis.xlen(stream))
            info: Any = self._redis.info("memory")
            found["memory/redis data"] = info["used_memory"] / 2**20
        return found


def _url(layout: Layout, alias: str) -> str:
    return dotenv_values(layout.environment_file(alias))[f"DATABASE_URL_{alias.upper()}"] or ""


def _resident(pid: int) -> float:
    """MiB of a process and its children (PostgreSQL's backends); shared pages count with each."""
    total, pids = 0.0, [pid]
    while pids:
        one = pids.pop()
        with suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) / 1024
            for task in Path(f"/proc/{one}/task").iterdir():
                pids += [int(child) for child in (task / "children").read_text().split()]
    return round(total, 2)
