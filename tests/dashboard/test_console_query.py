"""The console against real PostgreSQL: what it answers, and what is refused, each beside the owner, who could."""

import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from dashboard.console import query
from dashboard.console.query import AT_ONCE, CELL, ROWS, Refusal, Result, run
from sandbox.testing import url_of
from tests.waiting import wait_until
from topology.processes import BACKEND_KB

pytestmark = pytest.mark.django_db(databases=[])
OWNER = url_of(os.environ, "seats", "seats", "seats")


@pytest.fixture(autouse=True, scope="module")
def brick() -> Iterator[None]:
    """A table with one row, made by its owner after the console's role was."""
    with psycopg.connect(OWNER, autocommit=True) as owner:
        owner.execute(
            "drop table if exists wall; create table wall (id serial, brick text); insert into wall (brick) values ('a')"
        )
        yield
        owner.execute("drop table wall")


def ask(statement: str) -> Result | Refusal:
    return run(settings.CONSOLE_URLS["seats"], statement)


def answer(statement: str) -> Result:
    found = ask(statement)
    assert isinstance(found, Result), found
    return found


def refusal(statement: str) -> Refusal:
    found = ask(statement)
    assert isinstance(found, Refusal), found
    return found


def test_a_select_is_answered_with_names_and_types() -> None:
    found = answer(
        'select id, brick, null as nothing, id as "Twice", 1.50::numeric(5,2) from wall order by 1; -- all of it'.replace(
            "; -- all of it", ";"
        )
    )
    assert found.columns == [
        ("id", "integer"), ("brick", "text"), ("nothing", "text"), ("Twice", "integer"), ("numeric", "numeric(5,2)"),
    ]  # fmt: skip
    assert (found.rows, found.more) == ([["1", "a", None, "1", "1.50"]], False)


@pytest.mark.parametrize(
    "statement",
    ["table wall", "values (1), (2)", "with w as (select * from wall) select brick from w -- so", "(select 1)",
     "explain select * from wall", "show work_mem", "select '--', $$;$$, ';'", "/* first */ select 1"],
)  # fmt: skip
def test_whatever_only_looks_is_answered(statement: str) -> None:
    assert answer(statement).rows


REFUSED = {
    "insert into wall (brick) values ('b')": "25006",
    "insert into wall (brick) values ('b') returning id": "25006",
    "update wall set brick = 'b'": "25006",
    "delete from wall": "25006",
    "with gone as (delete from wall returning *) select * from gone": "0A000",
    "truncate wall": "25006",
    "drop table wall": "25006",
    "create table mine (x int)": "25006",
    "create temporary table mine (x int)": "25006",
    "select * into mine from wall": "25006",
    "select * from wall for update": "25006",
    "copy wall from stdin": "42501",
    "copy (select 1) to program 'true'": "42501",
    "copy wall to '/tmp/wall'": "42501",
    "set role seats": "42501",
    "set session authorization seats": "42501",
    "reset role; delete from wall": "42601",
    "select 1; select 2": "42601",
    "do $$ begin loop end loop; end $$": "42501",
    "select nextval('wall_id_seq')": "42501",
    "select set_config('transaction_read_only', 'off', true), nextval('wall_id_seq')": "42501",
    "select pg_read_file('/etc/passwd')": "42501",
    "select pg_ls_dir('/')": "42501",
    "select lo_create(0)": "42501",
    "select lo_import('/etc/passwd')": "42501",
    "select pg_reload_conf()": "42501",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'seats'": "42501",
    "select * from pg_authid": "42501",
    "select dblink('', '')": "42883",
    "alter role seats_console superuser": "25006",
    "select set_config('statement_timeout', '0', false), pg_sleep(60)": "42501",
    "select pg_sleep(60)": "57014",
    "select count(*) from generate_series(1, 100000000000)": "53400",
    "select 1 / 0": "22012",
}


@pytest.mark.parametrize("statement", REFUSED)
def test_postgresql_refuses_in_its_own_words(statement: str) -> None:
    with psycopg.connect(OWNER, autocommit=True, application_name="bystander") as owner:
        began = time.monotonic()
        found = refusal(statement)
        assert time.monotonic() - began < 4
        assert found.sqlstate in {REFUSED[statement], "57014" if "generate" in statement else ""}, found
        assert found.message
        assert owner.execute("select brick from wall").fetchall() == [("a",)]


@pytest.mark.parametrize(
    "statement",
    ["insert into wall (brick) values ('b')", "truncate wall", "select nextval('wall_id_seq')", "do $$ begin end $$",
     "create temporary table mine (x int)", "select * from wall for update", "select lo_create(0)"],
)  # fmt: skip
def test_the_control_the_owner_could(statement: str) -> None:
    with psycopg.connect(OWNER) as owner:
        owner.execute(statement.encode())
        owner.rollback()


def test_settings_and_locks_go_with_their_connection() -> None:
    answer("set default_transaction_read_only = off")
    assert refusal("insert into wall (brick) values ('b')").sqlstate in ("25006", "42501")
    assert refusal("select pg_advisory_lock(42)").sqlstate == "42501"


def test_without_the_read_only_transaction_there_is_still_no_right() -> None:
    """Two walls: this is the second one alone."""
    with (
        psycopg.connect(settings.CONSOLE_URLS["seats"], options="-c default_transaction_read_only=off") as session,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        session.execute("delete from wall")


def test_a_million_rows_and_a_gigabyte_are_cut() -> None:
    many = answer("select g, repeat('x', 5000) from generate_series(1, 1000000) g")
    assert (len(many.rows), many.more) == (ROWS, True)
    assert many.rows[-1] == [str(ROWS), "x" * CELL + "…"]
    wide = answer("select repeat(repeat('x', 1000), 100000)")
    assert wide.rows == [["x" * CELL + "…"]]
    (columns,) = answer("select " + ", ".join(map(str, range(100)))).rows
    assert len(columns) == 60


HUGE = {
    "a huge array": "select array_agg(repeat('x', 1000000) || g) from generate_series(1, 1000) g",
    "huge JSON": "select jsonb_agg(repeat('x', 1000000) || g) from generate_series(1, 1000) g",
    "a huge text": "select length(repeat(repeat('x', 1000), 1000000))",
    "many huge texts": "select length(string_agg(repeat('x', 10000000), '')) from generate_series(1, 90)",
}


@pytest.mark.parametrize("what", HUGE)
def test_what_takes_the_machines_memory_is_refused_to_that_one_client(what: str) -> None:
    with psycopg.connect(OWNER, autocommit=True, application_name="bystander") as owner:
        began = time.monotonic()
        found = refusal(HUGE[what])
        assert found.sqlstate in ("53200", "57014", "54000"), found
        assert time.monotonic() - began < query.DEADLINE_S + 1
        assert owner.execute("select brick from wall").fetchall() == [("a",)], "nobody else noticed"


def test_each_backend_may_allocate_so_much_and_no_more() -> None:
    with psycopg.connect(OWNER) as owner:
        told = Path(f"/proc/{owner.info.backend_pid}/limits").read_text()
    assert f"Max data size             {BACKEND_KB * 1024}" in told


def test_an_error_as_long_as_a_text_is_not_taken_in() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = refusal("select repeat('x', 60000000)::int")
    assert found.message in (query.TOO_LARGE, "out of memory") or found.sqlstate == "53200"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80 * 1024, found
    assert answer("select 1").rows == [["1"]]


def test_what_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reason: here PostgreSQL itself would end it after 2 s."""
    monkeypatch.setattr(query, "DEADLINE_S", 0.3)
    began = time.monotonic()
    assert refusal("select pg_sleep(10)").message == query.TOO_LONG
    assert time.monotonic() - began < 1.5
    running = "select count(*) from pg_stat_activity where usename = 'seats_console' and state = 'active'"
    with psycopg.connect(OWNER, autocommit=True) as owner:
        wait_until(
            lambda: owner.execute(running.encode()).fetchone() == (0,), 5, "it to notice that its client has gone"
        )


def test_errors_point_at_their_place() -> None:
    found = refusal("select brick\nfrom walls")
    assert (found.sqlstate, found.position, found.message) == ("42P01", 19, 'relation "walls" does not exist')
    assert refusal("select bricks from wall").hint.startswith("Perhaps you meant")
    assert refusal("selct 1").position == 1


def test_the_textbook_join_meets_the_wall() -> None:
    there = refusal("select * from seats.public.wall join payments.public.payments_payment p on true")
    assert (there.sqlstate, there.message) == (
        "0A000", 'cross-database references are not implemented: "payments.public.payments_payment"',
    )  # fmt: skip
    assert refusal("select * from wall join payments_payment on true").sqlstate == "42P01"


@pytest.mark.parametrize("statement", ["", " ;\n; ", "-- nothing", "select '\x00'", "select '\ud800'", "x" * 10_001])
def test_what_is_no_statement_is_refused_by_us(statement: str) -> None:
    assert refusal(statement).sqlstate == ""


def test_copy_out_is_refused_by_us() -> None:
    assert "read-only" in refusal("copy wall to stdout").message


@pytest.mark.parametrize(
    "statement",
    ["notify x", "NOTIFY x, 'y'", "/* so */ notify x", "-- so\nlisten x", "unlisten *", "vacuum", "vacuum (analyze) wall",
     "analyze wall", "checkpoint", "load 'x'"],
)  # fmt: skip
def test_what_acts_in_a_read_only_transaction_is_refused_by_us(statement: str) -> None:
    assert "read-only" in refusal(statement).message


def test_only_so_many_run_at_once() -> None:
    threads = [threading.Thread(target=ask, args=["select pg_sleep(10)"]) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    with psycopg.connect(OWNER, autocommit=True) as owner:
        running = "select count(*) from pg_stat_activity where usename = 'seats_console'"
        deadline = time.monotonic() + 5
        while owner.execute(running.encode()).fetchone() != (AT_ONCE,):
            assert time.monotonic() < deadline
    assert "busy" in refusal("select 1").message
    for thread in threads:
        thread.join()
    assert answer("select 1").rows == [["1"]]


def test_a_database_that_is_away_says_so() -> None:
    found = run("postgresql://seats_console:x@127.0.0.1:1/seats", "select 1")
    assert isinstance(found, Refusal)
    assert "refused" in found.message
