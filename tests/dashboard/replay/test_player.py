"""Any moment of a run, from a journal of really recorded entries and with no service running: what its panels show."""

import re
import uuid
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client

from drawing import time_bar
from journal.archive.exporting import export
from journal.archive.importing import import_run
from journal.index.indexer import Indexer
from journal.models import Entry, Mention, RowVersion, Run, Table
from journal.reading import marks
from tests.drawing.recording import recorded
from tests.journal.archive.world import START, begin, wipe

pytestmark = pytest.mark.django_db(databases=["journal", "projections"], transaction=True)
BOOKING, RECORDED = recorded("declined")


def before() -> list[dict[str, Any]]:
    """Entries that put down the rows which were there before the recorded ones."""
    known: set[tuple[str, str]] = set()
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in RECORDED:
        for change in entry["changes"]:
            name = (change["table"], change["key"])
            if change["old"] and name not in known:
                found.setdefault(entry["service"], []).append(
                    {**change, "op": "insert", "old": None, "new": change["old"]}
                )
            known.add(name)
    bare = {**RECORDED[0], "causes": [], "emits": [], "cause_pos": [], "correlations": [], "title": "there"}
    return [{**bare, "service": service, "changes": changes} for service, changes in found.items()]


BEFORE = before()
DAY = "2027-01-01T00:00"
FIRST = len(BEFORE) + 1
LAST = len(BEFORE) + len(RECORDED)


def pos_of(service: str, words: str) -> int:
    return next(n for n, one in enumerate(RECORDED, FIRST) if one["service"] == service and words in one["title"])


PAID, RELEASED = pos_of("payments", "DECLINED"), pos_of("seats", "AVAILABLE")
MAP_RESERVED, MAP_FREE = pos_of("projections", "seatmap RESERVED"), pos_of("projections", "seatmap AVAILABLE")


def a_run(started_pos: int) -> UUID:
    made = Run.objects.create(id=uuid.uuid4(), name="a run", started_pos=started_pos, started_at=START)
    return UUID(str(made.id))


@pytest.fixture
def run() -> Iterator[UUID]:
    """The live journal's open run, recorded from a real booking whose card was declined."""
    wipe()
    begin()
    place = {entry["pos"]: pos for pos, entry in enumerate(RECORDED, FIRST)}
    for pos, entry in enumerate([*BEFORE, *RECORDED], 1):
        columns = {
            name: value for name, value in entry.items() if name not in ("correlations", "pos", "cause_pos", "tape")
        }
        Entry.objects.create(
            tape=0, pos=pos, cause_pos=[place[one] for one in entry["cause_pos"] if one in place], **columns
        )
        if entry["correlations"]:
            Mention.objects.create(tape=0, pos=pos, correlation=BOOKING)
    while Indexer().step():
        pass
    yield a_run(1)
    wipe()


def moment(run: UUID, pos: int, **asked: str) -> str:
    answer = Client().get(f"/replay/{run}/moment", {"pos": str(pos), "booking": BOOKING, **asked})
    assert answer.status_code == 200, answer.content.decode()[:500]
    return answer.content.decode()


def part(html: str, id: str) -> str:
    """The text from one panel's beginning on, up to the next panel's."""
    found = html[html.index(f'id="{id}"') :]
    end = re.search(rf'<(section|svg|div) [^>]*id="(?!{id})(everything|then|time-moves|seats-place)"', found)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found[: end.start() if end else None]))


def on_the_map(html: str) -> set[str]:
    return set(re.findall(r'role="gridcell"[^>]*data-status="(\w+)"', html))


def test_all_panels_show_the_moment(run: UUID) -> None:
    reserved = moment(run, PAID - 1)
    assert on_the_map(reserved) == {"RESERVED"}
    assert "seats_seat" in part(reserved, "tables")
    assert "RESERVED" in part(reserved, "tables")
    assert "DECLINED" not in part(reserved, "tables") + part(reserved, "everything")
    assert "TakePayment Booking → Payment" in part(reserved, "then-flights")
    declined = moment(run, PAID)
    assert "DECLINED" in part(declined, "tables")
    assert "DECLINED" in part(declined, "everything")
    assert "TakePaymentReply Payment → Booking" in part(declined, "then-flights")
    released = moment(run, RELEASED)
    assert "RELEASED" in part(released, "tables")
    assert on_the_map(released) == {"RESERVED"}, "the view is a moment behind"
    assert "1 version" in part(released, "tables") or "versions behind" in part(released, "tables")
    assert on_the_map(moment(run, MAP_FREE)) == {"AVAILABLE"}
    assert on_the_map(moment(run, MAP_RESERVED - 1)) == {"AVAILABLE"}


def test_a_moment_is_a_bounded_number_of_queries(run: UUID, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(24, using="journal"), django_assert_max_num_queries(0, using="projections"):
        html = moment(run, PAID)
    version = re.search(r'data-map="([^"]+)"', html)
    assert version
    assert "gridcell" not in moment(run, PAID, map=version[1]), "a map that the page has already is not sent again"
    assert "gridcell" in moment(run, MAP_FREE, map=version[1])
    whole = Client().get(f"/replay/{run}", {"pos": str(PAID), "booking": BOOKING, "map": version[1]})
    assert "gridcell" in whole.content.decode(), "a whole page has no map yet"


def test_the_map_has_its_own_seats_however_many_there_are(run: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other performances were announced later, so their seats changed last."""
    monkeypatch.setattr("dashboard.panel.moment.MOST_SEATS", 4)
    reserved = moment(run, PAID - 1)
    seats = re.findall(r'role="gridcell"[^>]*data-label="([^"]+)"', reserved)
    assert seats
    table = Table.objects.get(name="projections_seatmap")
    one = RowVersion.objects.filter(tape=0, table=table.id, octave=None).first()
    assert one is not None
    for number in range(8):
        row = {**one.row, "performance_id": "another", "label": f"Z-{number}"}
        RowVersion.objects.create(tape=0, table=table.id, key=f"another,Z-{number}", from_pos=PAID - 1, hash=0, row=row)
    assert re.findall(r'role="gridcell"[^>]*data-label="([^"]+)"', moment(run, PAID - 1)) == seats


def test_a_run_from_the_middle_and_its_copy_show_the_same(run: UUID) -> None:
    """What was there before comes along: the same pictures, with no service, and the same hashes."""
    Run.objects.filter(id=run).update(ended_pos=PAID - 1, ended_at=START)
    middle = a_run(PAID)
    copy = import_run([b"".join(export(middle))])
    assert copy != middle
    for pos in range(PAID, LAST + 1):
        one, other = (moment(which, pos).replace(str(which), "") for which in (middle, copy))
        assert on_the_map(one) == on_the_map(other)
        for id in ("booking", "tables", "everything", "then-flights", "time-moves"):
            assert part(one, id).split("The verdict above")[0] == part(other, id).split("No verdict")[0], (pos, id)
    assert "before this run" in part(moment(copy, PAID), "tables")
    assert "RESERVED" in part(moment(copy, PAID), "tables")

    def compared() -> str:
        return Client().get(f"/replay/{copy}/check").content.decode()

    assert 'data-status="equal"' in compared()
    with connections["journal"].cursor() as cursor:
        cursor.execute(
            "update journal_rowversion set hash = hash + 1 where tape > 0 and octave is null and key = %s", [BOOKING]
        )
    assert 'data-status="differs"' in compared()


def test_an_imported_run_of_other_tables_says_so(run: UUID) -> None:
    Run.objects.filter(id=run).update(ended_pos=LAST, ended_at=START)
    copy = import_run([b"".join(export(run))])  # the id is taken here, so it gets another
    with connections["journal"].cursor() as cursor:
        cursor.execute("update journal_rowversion set row = row - 'version' where tape > 0")
        cursor.execute(
            "update journal_entry set changes = replace(changes::text, '\"version\"', '\"v\"')::json where tape > 0"
        )
    for address in (f"/replay/{copy}?booking={BOOKING}", f"/replay/{copy}/moment?booking={BOOKING}"):
        answer = Client().get(address)
        assert (answer.status_code, "cannot be drawn" in answer.content.decode()) == (422, True), address


def test_what_is_no_moment_is_a_page_that_says_what_is_allowed(run: UUID) -> None:
    allowed = f"#1 to #{LAST}"
    for address, status, words in (
        (f"/replay/{run}?pos=abc", 400, allowed),
        (f"/replay/{run}?pos=-1", 400, allowed),
        (f"/replay/{run}?pos={LAST + 1}", 404, allowed),
        (f"/replay/{run}?pos=0", 404, allowed),
        (f"/replay/{run}/moment?pos={'9' * 40}", 400, allowed),
        (f"/replay/{run}/schedule?pos=x", 400, allowed),
        (f"/replay/{uuid.uuid4()}/moment", 404, "There is no run"),
        (f"/replay/{run}?booking=12", 400, "is not the id of a booking"),
        (f"/replay/{run}?booking={uuid.uuid4()}", 404, "no entry of booking"),
        (f"/bookings/{BOOKING}/panel?pos=%3Cb%3E", 400, "“&lt;b&gt;” is not the number of an entry"),
        (f"/?booking={BOOKING}&pos=99999", 404, allowed),
    ):
        answer = Client().get(address)
        assert (answer.status_code, words in answer.content.decode()) == (status, True), address
        assert '<nav class="places"' in answer.content.decode()


def test_the_way_from_a_moment(run: UUID) -> None:
    html = moment(run, PAID)
    ways = dict(re.findall(r'id="step-([\w-]+)" data-to="(\d*)"', html))
    assert (ways["previous"], ways["next"], ways["first"], ways["last"]) == (
        str(PAID - 1),
        str(PAID + 1),
        "1",
        str(LAST),
    )
    assert ways["cause"] == str(PAID - 2)
    assert int(ways["effect"]) > PAID
    assert ways["fault"] == ""
    assert f"/replay/{run}?performance=concert-2024&amp;booking={BOOKING}&amp;pos={PAID}" in html
    times = Client().get(f"/replay/{run}/schedule?pos={FIRST}").json()
    assert len(times) == len(RECORDED)
    assert times == sorted(times) or max(times) - min(times) < 60_000
    to = Client().get(f"/replay/of?booking={BOOKING}&pos={PAID}")
    assert to["Location"] == f"/replay/{run}?booking={BOOKING}&pos={PAID}"
    assert Client().get(f"/?pos={PAID}")["Location"] == f"/replay/of?pos={PAID}"


def test_the_bar_of_a_booking_goes_from_its_entry_to_its_entry() -> None:
    entries = [
        {
            **RECORDED[0],
            "pos": pos,
            "kind": kind,
            "data": data,
            "cause_pos": causes,
            "committed_at": f"2027-01-01T00:00:0{at}+00:00",
        }
        for pos, kind, data, causes, at in (
            (5, "transaction", None, [], 0),
            (8, "transaction", None, [5, 3], 1),
            (9, "observation", {"kind": "fault"}, [8], 3),
            (20, "transaction", None, [8], 2),
        )
    ]
    at = time_bar.of_booking(entries, 8)
    assert (at["first"], at["previous"], at["next"], at["last"]) == (5, 5, 9, 20)
    assert (at["cause"], at["effect"], at["fault"]) == (5, 9, 9)
    assert (at["value"], at["high"], at["positions"], at["times"]) == (2, 4, "5,8,9,20", "0,1000,3000,2000")
    assert ([one["kind"] for one in at["marks"]], len(at["ticks"])) == (["fault"], 3)
    assert time_bar.of_booking([], 0)["total"] == 0


def test_a_strip_is_as_high_as_it_is_dense() -> None:
    bars = time_bar.strip([0.0, 4.0, 1.0], [], 1, 30)["bars"]
    assert [one["h"] for one in bars] == [time_bar.HIGH, time_bar.HIGH // 2]
    assert all(one["y"] + one["h"] == time_bar.HIGH + 2 for one in bars)


def test_every_mark_of_a_strip_has_words() -> None:
    assert set(time_bar.MARKS) == set(marks.SHOWN)


@pytest.mark.urls("dashboard.urls")
def test_a_run_in_which_nothing_is_recorded_yet_shows_no_entry_and_no_rows_of_the_run_before(
    run: UUID, client: Client
) -> None:
    Run.objects.filter(id=run).update(ended_pos=LAST, ended_at=START)
    empty = a_run(LAST + 1)
    html = client.get(f"/replay/{empty}", HTTP_HOST="localhost").content.decode()
    assert "Nothing recorded yet" in html
    assert "Nothing has been recorded in this run yet." in html
    assert f"Entry #{LAST}" not in html
    assert f"Entry #{LAST}" in client.get(f"/replay/{run}", HTTP_HOST="localhost").content.decode()
    assert "No table had a row yet." in html
    picture = client.get(f"/replay/diagram?run={empty}", HTTP_HOST="localhost").content.decode()
    assert "Nothing is recorded of this run yet." in picture
    assert "the newest is" not in picture
