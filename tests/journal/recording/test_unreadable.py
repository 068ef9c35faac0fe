"""What the recorder cannot read, keep or index: it never ends the recording, and an entry says what was left out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from journal.models import Entry, Indexed, RowVersion, Run, TableHash
from journal.recording.recorder import Recorder
from journal.recording.transactions import read_transaction
from tests.journal.recording.stepped import Servers, clusters, commit, run_until, servers, start, streamed
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
__all__ = ["clusters", "servers", "start"]  # the fixtures


def test_no_note_in_a_log_stops_the_recording_or_empties_the_journal(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    """Each is read again after a restart: what stops the recorder once would stop it for ever."""
    recorder = start()
    commit(servers["booking"], "booking")
    poison = ["not json", '{"kind":"gap","text":"nothing before this counts"}', '{"n":' * 900 + "1" + "}" * 900, "[]"]
    poison += ['{"kind":"introduced","text":"\\u0000\\ud800"}', "z" * 5_000_000]
    with servers["booking"].connect() as connection:
        for note in poison:
            connection.execute("select pg_logical_emit_message(true, 'journal', %s::text)", (note,))
        connection.execute("select pg_logical_emit_message(true, 'journal', '\\xff00'::bytea)")
        connection.execute("select pg_logical_emit_message(false, 'journal', 'outside of any transaction')")
        connection.execute("select pg_logical_emit_message(true, 'x', repeat('x', 10000000))")
    commit(servers["booking"], "booking")
    entries = run_until(recorder, len(poison) + 4)
    told = entries[1:-2]
    assert {(one["kind"], one["data"]["kind"]) for one in told} == {("observation", "unreadable")}
    assert entries[-1]["title"] == "Held: thing HELD"
    recorder.close()
    again = start()
    commit(servers["seats"], "seats")
    run_until(again, len(entries) + 1)

    def indexed() -> bool:
        again.step()
        return RowVersion.objects.filter(octave=None).count() == 6

    wait_until(indexed, 10, "the index")


def test_a_row_that_no_other_program_could_write_is_recorded(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    recorder = start()
    bodies = ['{"n":' * 300 + "1" + "}" * 300, '{"n": 1' + "0" * 400 + "}", '"x"', "[" * 2000 + "]" * 2000]
    with servers["booking"].connect() as connection:
        for body in bodies:
            thing = "insert into booking_thing (booking_id, status, body) values (%s, 'HELD', %s)"
            connection.execute(thing, ("é" * 5000, body))
        outbox = (
            "insert into booking_outbox (id, kind, type, correlation_id) values (gen_random_uuid(), 'event', %s, %s)"
        )
        connection.execute(outbox, ("T" * 5000, "c" * 5000))
    entries = run_until(recorder, 5)
    kept = [one["changes"][0]["new"]["body"].replace(": ", ":") for one in entries[:4]]
    assert kept == [bodies[0], bodies[1].replace(": ", ":"), "x", bodies[3]]

    def indexed() -> bool:
        recorder.step()
        return RowVersion.objects.filter(octave=None).count() == 5

    wait_until(indexed, 10, "the index")


def test_what_the_journal_refuses_is_replaced_by_an_entry_that_says_so(
    servers: Servers, redis: Redis, start: Callable[[], Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: here a title with a character that PostgreSQL does not take. Its neighbours are kept."""

    def read(service: str, transaction: Any, key: str) -> Any:
        found = read_transaction(service, transaction, key)
        return replace(found, title="a\0b") if "b-2" in found.correlations else found

    monkeypatch.setattr("journal.recording.recorder.read_transaction", read)
    recorder = start()
    for number in (1, 2, 3):
        commit(servers["booking"], "booking", booking=f"b-{number}")
    entries = run_until(recorder, 3)
    assert [one["title"] for one in entries] == [
        "Held: thing HELD",
        "what booking committed cannot be kept",
        "Held: thing HELD",
    ]
    assert "0x00" in entries[1]["data"]["data"]["why"]
    assert streamed(redis) == entries


def test_a_refused_entry_still_announces_its_tables(
    servers: Servers, start: Callable[[], Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log announces a table once: a run that missed that could not be exported."""
    monkeypatch.setattr(
        "journal.recording.recorder.read_transaction", lambda *given: replace(read_transaction(*given), title="a\0b")
    )
    recorder = start()
    commit(servers["booking"], "booking")
    (refused,) = run_until(recorder, 1)
    assert refused["title"] == "what booking committed cannot be kept"
    (run,) = Run.objects.all()
    assert "booking_thing" in run.tables["booking"]


def test_an_entry_that_cannot_be_indexed_is_passed_over(
    servers: Servers, redis: Redis, start: Callable[[], Recorder]
) -> None:
    """As an older version, or a hand, may have left one: the moments after it can be asked for all the same."""
    recorder = start()
    commit(servers["booking"], "booking")
    run_until(recorder, 1)
    recorder.close()
    torn = [{"table": "booking_thing", "op": "insert", "key": "1"}]
    Entry.objects.filter(pos=1).update(changes=torn, packed=None, layouts=None)
    Indexed.objects.all().delete()
    RowVersion.objects.all().delete()
    TableHash.objects.all().delete()
    again = start()
    commit(servers["booking"], "booking", booking="b-2")

    def indexed() -> bool:
        again.step()
        return redis.hget("recorder", "indexed") == b"2"

    wait_until(indexed, 20, "the index")
    assert b"entry 1" in (redis.hget("recorder", "index_failure") or b"")
