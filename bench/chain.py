"""The peer: a Celery chain of three tasks doing the same three writes, without outbox, barrier, events or compensation.

Most projects begin with this. A worker per service, as Sagabox has; each task is one commit in its own database.
If a worker or the broker dies between two links, the chain is lost silently; the rest of Sagabox prevents that.
"""

import os

import psycopg
from celery import Celery, chain

app = Celery("bench_chain")
app.conf.update(
    broker_url=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=4,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)
TABLES = {
    "seats": "create table bench_seat (id bigint primary key, status text not null, booking bigint)",
    "payments": "create table bench_payment (id bigint primary key, amount bigint not null, status text not null)",
    "tickets": "create table bench_ticket (id bigint primary key, code text not null default gen_random_uuid()::text)",
}
_connections: dict[str, psycopg.Connection] = {}


def _database(service: str) -> psycopg.Connection:
    if service not in _connections:
        _connections[service] = psycopg.connect(os.environ[f"DATABASE_URL_{service.upper()}"], autocommit=True)
    return _connections[service]


@app.task(name="bench.reserve")
def reserve(booking: int) -> int:
    _database("seats").execute(
        "update bench_seat set status = 'SOLD', booking = %s where id = %s and status = 'AVAILABLE'", (booking, booking)
    )
    return booking


@app.task(name="bench.pay")
def pay(booking: int) -> int:
    _database("payments").execute("insert into bench_payment values (%s, 150000, 'COMPLETED')", (booking,))
    return booking


@app.task(name="bench.issue")
def issue(booking: int) -> int:
    _database("tickets").execute("insert into bench_ticket (id) values (%s)", (booking,))
    return booking


def start(booking: int) -> None:
    """Send the chain; it is over when its ticket is there."""
    chain(
        reserve.si(booking).set(queue="bench.seats"),
        pay.si(booking).set(queue="bench.payments"),
        issue.si(booking).set(queue="bench.tickets"),
    ).apply_async()
