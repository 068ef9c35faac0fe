"""A house that is broken on purpose: hypothesis finds it out, shrinks the play, and the play opens in the player."""

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from redis import Redis

from booking.models import Booking
from control.setup.publish import journaled_tables
from faults import Mechanism
from faults.arming import switch
from journal.archive.importing import import_run
from journal.models import Entry, Run
from journal.reading import convergence, moments
from tests.house import House
from tests.proofs.models.random_house import ALIASES, RandomHouse
from tests.proofs.models.test_house_model import play

pytestmark = pytest.mark.django_db(databases=[*ALIASES, "journal"], transaction=True)

# Rows of a table that the database has and the replay has not, and the other way round: compared as the table's own type.
DIFFERENT = """
    with replayed as (select * from jsonb_populate_recordset(null::{0}, %s::jsonb))
    (table {0} except all table replayed) union all (table replayed except all table {0})
"""


class TooLate(RandomHouse):
    """A network with a bad habit: it keeps a command until the saga has given it up, and brings it then."""

    strict = False

    @initialize(steps=st.sampled_from([0, 3]))
    def go_well_at_first(self, steps: int) -> None:
        super().go_well_at_first(steps)

    @precondition(lambda self: any(one["type"] == "TakePayment" for one in self.pending))
    @rule()
    def come_late(self) -> None:
        late = next(one for one in self.pending if one["type"] == "TakePayment")
        self.pending.remove(late)
        self.strays.append(late)
        self._tell_of("stray", late["destination"], late)
        self._cancel(next(one for one in self.bookings if str(one.id) == late["correlationid"]))


@pytest.fixture
def counter_example(house: House, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """(what hypothesis says, the file) of a house without its barrier."""
    monkeypatch.setattr(TooLate, "tapes", tmp_path)
    switch(redis, Mechanism.BARRIER, off=True)
    with pytest.raises(AssertionError, match="paid_iff_ticketed") as found:
        play(TooLate, 200, Phase.generate, Phase.shrink, moves=2)
    (file,) = tmp_path.iterdir()
    return "\n".join(found.value.__notes__), file


def test_a_shrunk_play_opens_in_the_player(counter_example: tuple[str, Path]) -> None:
    told, file = counter_example
    assert f"recorded in {file}" in told
    assert f"manage.py runs import {file}" in told

    run = Run.objects.get(id=import_run([file.read_bytes()]))
    assert (run.imported, run.tape) == (True, 1)
    assert "test_a_shrunk_play_opens_in_the_player" in run.name
    assert {check.standing for check in convergence.of_import(run.tape)} == {convergence.Standing.EQUAL}
    assert run.ended_pos is not None
    end = moments.state_at(run.ended_pos, run.tape, limit=100_000)
    for alias in ALIASES:
        for table in tables(alias):
            assert difference(alias, table, end.get(alias, {}).get(table, {}).values()) == [], table
    (booking,) = Booking.objects.all()
    assert end["booking"]["booking_booking"][str(booking.id)]["state"] == "CANCELLED"
    (payment,) = end["payments"]["payments_payment"].values()
    assert payment["status"] == "COMPLETED"  # the anomaly

    entries = {one.pos: one for one in Entry.objects.filter(tape=run.tape)}
    (paid,) = [one for one in entries.values() if any(change["table"] == "payments_payment" for change in one.changes)]
    (sent,) = paid.cause_pos
    assert "sends TakePayment" in entries[sent].title
    views = [one for one in entries.values() if one.service == "projections"]  # which heard of older events, too
    assert all(one.cause_known for one in entries.values() if one not in views)
    told_too = {one.data["kind"] for one in entries.values() if one.data}
    assert told_too >= {"snapshot", "stray", "violation"}
    before = moments.state_at(paid.pos - 1, run.tape, booking=str(booking.id))
    assert "payments_payment" not in before.get("payments", {})


class Lossy(RandomHouse):
    """Its judge calls a legal play illegal: one in which a message is lost and asked for again."""

    @initialize(steps=st.just(3))
    def go_well_at_first(self, steps: int) -> None:
        super().go_well_at_first(steps)
        lost = self.pending.pop()
        self._tell_of("lost", lost["destination"], lost, causes=[lost["id"]])

    def _judge(self) -> None:
        super()._judge()
        assert not any(told["kind"] == "lost" for told in self.timeline.entries), "nothing may be lost"


def test_what_no_log_shows_is_on_the_tape_where_it_happened(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lossy, "tapes", tmp_path)
    with pytest.raises(AssertionError, match="nothing may be lost"):
        play(Lossy, 1, Phase.generate, moves=1)
    (file,) = tmp_path.iterdir()
    run = Run.objects.get(id=import_run([file.read_bytes()]))
    entries = list(Entry.objects.filter(tape=run.tape).order_by("pos"))
    (lost,) = [one for one in entries if one.title == "lost: TakePayment"]
    assert lost.data is not None
    assert (lost.data["kind"], lost.data["data"]["action"]) == ("fault", "drop")
    (message,) = lost.causes
    assert str(message) in {one.id for one in moments.flights_at(lost.pos - 1, run.tape)}
    assert str(message) not in {one.id for one in moments.flights_at(lost.pos, run.tape)}
    overdue, again = next(pair for pair in pairwise(entries) if pair[0].title == "overdue: SagaOverdue")
    assert (overdue.pos in again.cause_pos, "sends TakePayment" in again.title) == (True, True)


def test_a_play_that_cannot_be_recorded_is_told_all_the_same(
    house: House, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TooLate, "tapes", tmp_path)
    monkeypatch.setattr("tests.proofs.models.tape.ensure_slot", lambda *_: 1 / 0)
    switch(redis, Mechanism.BARRIER, off=True)
    with pytest.raises(AssertionError, match="paid_iff_ticketed") as found:
        play(TooLate, 200, Phase.generate, moves=2)
    told = "\n".join(found.value.__notes__)
    assert "this play cannot be recorded: ZeroDivisionError" in told
    assert "violation  audit" in told
    assert list(tmp_path.iterdir()) == []


def tables(alias: str) -> list[str]:
    connections[alias].ensure_connection()
    return journaled_tables(connections[alias].connection, alias)


def difference(alias: str, table: str, replayed: Iterable[dict[str, Any]]) -> list[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(DIFFERENT.format(table), [json.dumps(list(replayed))])
        return list(cursor.fetchall())
