"""The three writes of a booking, as every peer does them: a seat is sold, a payment and a ticket are inserted.

Each may be repeated without a further effect, as Restate and DBOS require of their steps. Needs psycopg alone: it also runs in
the environment of those two.
"""

import os

import psycopg

WRITES = {
    "seats": "update seat set status = 'SOLD', booking = %(id)s where id = %(id)s and status = 'AVAILABLE'",
    "payments": "insert into payment values (%(id)s, 150000, 'COMPLETED') on conflict do nothing",
    "tickets": "insert into ticket (id) values (%(id)s) on conflict do nothing",
}
TABLES = {
    "seats": "seat (id bigint primary key, status text not null, booking bigint)",
    "payments": "payment (id bigint primary key, amount bigint not null, status text not null)",
    "tickets": "ticket (id bigint primary key, code text not null default gen_random_uuid()::text,"
    " at timestamptz not null default clock_timestamp())",
}
ONE = "booking"
"""The database in which all three tables stand together, for one transaction over them. DBOS has one of its own next to it."""


def url_of(database: str) -> str:
    """Where `database` is: a peer's processes find it in their environment."""
    return os.environ[f"BENCH_URL_{database.upper()}"]


def connect(database: str) -> psycopg.Connection:
    """A connection on which each statement is a commit of its own, prepared at its first use."""
    return psycopg.connect(url_of(database), autocommit=True, prepare_threshold=0)


def make_tables(seats: int) -> None:
    """Empty tables, and this many free seats, numbered from 1."""
    for database, names in {**{name: [name] for name in WRITES}, ONE: list(WRITES)}.items():
        with connect(database) as connection:
            for name in names:
                connection.execute(f"drop table if exists {TABLES[name].split()[0]}".encode())
                connection.execute(f"create table {TABLES[name]}".encode())
            if "seats" in names:
                connection.execute("insert into seat select n, 'AVAILABLE' from generate_series(1, %s) n", [seats])
                connection.execute("analyze seat")


def count_complete(together: bool) -> tuple[int, ...]:
    """Seats sold, payments and tickets there are, in their three databases or `together` in one: equal where all is complete."""
    questions = {
        "seats": b"select count(*) from seat where status = 'SOLD'",
        "payments": b"select count(*) from payment",
        "tickets": b"select count(*) from ticket",
    }
    found = []
    for database, question in questions.items():
        with connect(ONE if together else database) as connection:
            found += [int(row[0]) for row in connection.execute(question)]
    return tuple(found)
