"""The Celery chain of three tasks: the same three writes, without outbox, barrier, events or compensation.

Most projects begin with this. Each task is one commit in its own database. If a worker or the broker dies between two links, the
chain is lost silently; the rest of Sagabox prevents that. The settings are the quick ones: a message is acknowledged as soon as
it is received, and many are fetched at once.
"""

import os

import psycopg
from celery import Celery, chain

from bench.peers.writes import WRITES, connect

app = Celery("bench_chain")
app.conf.update(
    broker_url=os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379/0"),
    task_ignore_result=True,
    worker_prefetch_multiplier=32,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)
QUEUES = {name: f"bench.{name}" for name in WRITES}
_connections: dict[str, psycopg.Connection] = {}


def _write(database: str, booking: int) -> None:
    if database not in _connections:
        _connections[database] = connect(database)
    _connections[database].execute(WRITES[database].encode(), {"id": booking})


@app.task(name="bench.reserve")
def reserve(booking: int) -> None:
    _write("seats", booking)


@app.task(name="bench.pay")
def pay(booking: int) -> None:
    _write("payments", booking)


@app.task(name="bench.issue")
def issue(booking: int) -> None:
    _write("tickets", booking)


def start(booking: int) -> None:
    """Send the chain; it is over when its ticket is there."""
    chain(
        reserve.si(booking).set(queue=QUEUES["seats"]),
        pay.si(booking).set(queue=QUEUES["payments"]),
        issue.si(booking).set(queue=QUEUES["tickets"]),
    ).apply_async()
