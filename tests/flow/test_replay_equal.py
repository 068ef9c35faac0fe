"""What the journal replays equals the live tables, row for row in all five databases, whatever was broken meanwhile."""

import json
import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from control.setup.publish import publish
from journal.reading import moments
from tests.journal.packed_rows import COLUMNS, LAYOUTS, opener
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
BOOKINGS, SEATS, CLIENTS, SEED = 500, 100, 12, 20261121
DATABASES = ("booking", "seats", "payments", "tickets", "projections")
FAULTS: tuple[tuple[str, str, dict[str, Any], float], ...] = (
    ("answer", "refuse", {"service": "payments", "message": "TakePayment"}, 0.2),
    ("answer", "refuse", {"service": "tickets", "message": "IssueTickets"}, 0.1),
    ("transaction.inside", "error", {"service": "seats"}, 0.03),
    ("transaction.committed", "delay", {"service": "payments", "seconds": 0.05}, 0.03),
    ("bus", "duplicate", {}, 0.1),
    ("bus", "drop", {"service": "tickets"}, 0.02),
)
Rows = dict[tuple[str, str], dict[str, Any]]


@contextmanager
def database(live: Live, name: str) -> Iterator[psycopg.Connection]:
    """As its owner: the truth, for assertions only."""
    url = live.sandbox.environments.control()[f"DATABASE_URL_{name.upper()}"]
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        yield connection


@pytest.fixture(scope="module")
def troubled(live: Live) -> Live:
    """After 500 bookings under faults that strike at random, by a seed."""
    for number, (point, action, scope, probability) in enumerate(FAULTS):
        trigger = {"kind": "probability", "probability": probability, "seed": SEED + number}
        answer = live.http.post("/api/faults", json={"point": point, "action": action, "trigger": trigger, **scope})
        assert answer.status_code == 201, answer.text
    choose = random.Random(SEED)  # noqa: S311
    hall = [seat["label"] for seat in live.http.get("/api/performances/concert-2024/seats").json()]
    labels = [label for label in hall if label != "A-15"][:SEATS]  # fought for; the others are for other tests
    wishes = [
        {
            "performance": "concert-2024",
            "seats": choose.sample(labels, choose.choice((1, 1, 2, 3))),
            "customer": 123,
            "payment_method": choose.choice(("tok_visa", "tok_visa", "tok_visa", "tok_declined")),
        }
        for _ in range(BOOKINGS)
    ]
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            assert list(pool.map(lambda wish: _place(live, wish), wishes)) == [202] * BOOKINGS
        wait_until(lambda: _struck(live) == {action for _, action, _, _ in FAULTS}, 90, "each fault to strike")
    finally:
        for _ in range(2):
            live.http.delete("/api/faults")
    live.settled(120)
    return live


def _struck(live: Live) -> set[str]:
    return {fault["action"] for fault in live.http.get("/api/faults").json()["faults"] if fault["fired"]}


def _place(live: Live, wish: dict[str, Any]) -> int:
    """The same key each time: a front door that has too much to do says 503, and may be asked again."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}

    def accepted() -> int:
        status = live.http.post("/api/bookings", json=wish, headers=headers).status_code
        return 0 if status == 503 else status

    return wait_until(accepted, 60, "a booking to be accepted")


def replayed(journal: psycopg.Connection, pos: int) -> Rows:
    """As the player asks for it: (service, table) -> key -> row."""
    like = Jsonb(dict(moments.ANY_ROW))
    values = {"pos": pos, "tape": 0, "names": None, "like": like, "limit": 1_000_000}
    rows: Rows = {}
    for service, table, key, _, row in journal.execute(moments._ROWS.encode(), values):
        rows.setdefault((service, table), {})[key] = json.loads(row)
    return rows


def differing(connection: psycopg.Connection, table: str, rows: list[Any]) -> int:
    """How many rows are in only one of the live table and `rows`. PostgreSQL compares, by the columns' own types."""
    query = sql.SQL("""
        with live as (select * from {table}), told as (select * from jsonb_populate_recordset(null::{table}, %s::jsonb))
        select (select count(*) from (select * from live except all select * from told) a)
            + (select count(*) from (select * from told except all select * from live) b)
    """)
    found = connection.execute(query.format(table=sql.Identifier(table)), (json.dumps(rows),)).fetchone()
    assert found is not None
    return int(found[0])


def test_every_row_of_every_database_is_replayed(troubled: Live) -> None:
    def compared() -> dict[str, int] | None:
        """Rows compared by database, once nothing moved while they were read."""
        counts = {}
        with database(troubled, "journal") as journal:
            pos = end_of_index(journal)
            if pos is None:
                return None
            rows = replayed(journal, pos)
            for name in DATABASES:
                counts[name] = 0
                with database(troubled, name) as live:
                    for (table,) in live.execute(
                        "select tablename from pg_publication_tables where pubname = 'journal'"
                    ):
                        told = list(rows.get((name, table), {}).values())
                        if differing(live, table, told):
                            return None
                        counts[name] += len(told)
            return counts if end_of_index(journal) == pos else None

    def agreed() -> dict[str, int] | None:
        """The same, while the check that the page makes found just as many: a letter may be tried again in between."""
        counts = compared()
        check = troubled.http.get("/api/replay/check", timeout=60).json()
        checked = {one["service"]: sum(table["rows"] for table in one["tables"]) for one in check["services"]}
        return counts if check["status"] == "equal" and checked == counts else None

    counts = wait_until(agreed, 60, "the replayed rows to equal the live ones, and the check to say so")
    assert counts
    assert list(counts) == list(DATABASES)
    assert counts["booking"] > 3 * BOOKINGS
    assert all(count > BOOKINGS / 4 for count in counts.values())


def end_of_index(journal: psycopg.Connection) -> int | None:
    """The newest entry, if it is indexed."""
    found = journal.execute(
        "select max(pos), (select pos from journal_indexed where tape = 0) from journal_entry where tape = 0"
    ).fetchone()
    assert found is not None
    return int(found[0]) if found[0] == found[1] else None


def test_a_moment_in_the_middle_is_the_fold_of_all_before_it(troubled: Live) -> None:
    with database(troubled, "journal") as journal:
        pos = (wait_until(lambda: end_of_index(journal), 30, "the index") or 0) * 2 // 3
        state: Rows = {}
        stored = f"select service, {COLUMNS} from journal_entry where tape = 0 and pos <= %s order by pos"
        entries = journal.execute(stored.encode(), (pos,)).fetchall()
        changes = opener(journal.execute(LAYOUTS).fetchall())
        for service, *rows_then in entries:
            for change in changes(*rows_then):
                rows = state.setdefault((service, change["table"]), {})
                if change["new"] is None:
                    rows.pop(change["key"], None)
                else:
                    rows[change["key"]] = change["new"]
        assert replayed(journal, pos) == {place: rows for place, rows in state.items() if rows}


def test_a_change_behind_the_recorders_back_is_found(troubled: Live) -> None:
    """The control: a table that for a moment is not published is not replayed, and the check names it."""
    change = "update payments_paymentmethod set kind = kind || %s where token = 'tok_visa'"
    with database(troubled, "payments") as payments:
        payments.execute("alter publication journal drop table payments_paymentmethod")
        payments.execute(change, ("!",))
        payments.execute("alter publication journal add table payments_paymentmethod")
        command = troubled.command("replay", "check", "--json")
        payments.execute("update payments_paymentmethod set kind = rtrim(kind, '!') where token = 'tok_visa'")
    assert command.returncode == 1, command.stderr
    found = json.loads(command.stdout)
    differs = [table["table"] for one in found["services"] for table in one["tables"] if table["standing"] == "differs"]
    assert (found["status"], differs) == ("differs", ["payments_paymentmethod"])
    wait_until(lambda: troubled.http.get("/api/replay/check").json()["status"] == "equal", 20, "the row put back")


WIDENED = {
    "booking": "booking_outbox",
    "seats": "seats_hold",
    "payments": "payments_payment",
    "projections": "projections_bookingview",
}
READERS = ("recorder", "relay-booking")


def test_a_column_that_a_migration_adds_is_replayed_of_rows_and_events_from_before(troubled: Live) -> None:
    """A default leaves no row in the log. tests/proofs/test_upgrade.py does it with migrations and a start."""
    before = troubled.place(troubled.free_seats(1), "concert-2024")
    troubled.ended(before)

    def alter(statement: str) -> None:
        for service, table in WIDENED.items():
            with database(troubled, service) as owner:
                owner.execute(sql.SQL("alter table {} ").format(sql.Identifier(table)) + sql.SQL(statement))

    def backfill() -> None:
        """What a start does after its migrations."""
        publish(troubled.sandbox.environments.control())

    def read_anew() -> None:
        for name in READERS:
            troubled.sandbox.restart(name)
        troubled.sandbox.wait_healthy(*READERS)

    def status() -> str:
        return str(troubled.http.get("/api/replay/check", timeout=60).json()["status"])

    def noted() -> bool:
        with database(troubled, "journal") as journal:
            pos = end_of_index(journal)
            rows = replayed(journal, pos) if pos is not None else {}
        return bool(rows) and all(
            [row.get("note") for row in rows[place].values()] == ["x"] * len(rows[place]) for place in WIDENED.items()
        )

    try:
        alter("add note text not null default 'x'")
        wait_until(lambda: status() == "differs", 30, "the check to miss the column, while nobody has introduced it")
        backfill()
        read_anew()
        wait_until(lambda: noted() and status() == "equal", 60, "each row of before to be replayed with its column")
        after = troubled.place(troubled.free_seats(1), "concert-2024")
        assert {row["state"] for row in troubled.ended(before, after)} == {"CONFIRMED"}
        wait_until(lambda: noted() and status() == "equal", 60, "those of after too")
    finally:
        alter("drop column if exists note")
        backfill()
    wait_until(lambda: status() == "equal", 60, "the tables as they were")
