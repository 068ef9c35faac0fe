"""A visitor's export: it imports as any other, says in full what is theirs, and no secret word of anybody else's."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.runs import masking
from gateway.runs.masking import mask_file, stand_ins
from journal.archive.exporting import export, hashes_at
from journal.archive.importing import import_run
from journal.archive.reading import ArchiveError, read
from journal.index.indexer import Indexer
from journal.models import Entry, Mention, RowVersion, Run
from journal.runs import lifecycle
from tests.journal.archive.world import START, begin, wipe

pytestmark = pytest.mark.django_db(databases=["journal"], transaction=True)
MINE, THEIRS = "0192f000-0000-7000-8000-00000000000a", "0192f000-0000-7000-8000-00000000000b"
OWN = {"payment": "0192f000-0000-7000-8000-0000000000f1", "code": "mY-tick3t"}
SECRETS = {"payment": "0192f000-0000-7000-8000-0000000000f2", "code": "q8Zr-tY2", "other code": "w1Xq-aB9",
           "name": "Anastasia Quillfeather", "e-mail": "ana@example.com"}  # fmt: skip
Change = dict[str, Any]


def change(table: str, key: str, new: Change | None, old: Change | None = None) -> Change:
    op = "delete" if new is None else "update" if old else "insert"
    return {"table": table, "op": op, "key": key, "old": old, "new": new}


def payment(id: str, booking: str, status: str) -> Change:
    return {"id": id, "booking_id": booking, "status": status, "amount": 12.50}


def ticket(code: str, booking: str) -> Change:
    return {"code": code, "issuance_id": booking, "seat": "A-1"}


def record(*entries: tuple[str, list[str], list[Change]]) -> None:
    last = Entry.objects.filter(tape=0).count()
    for pos, (service, bookings, changes) in enumerate(entries, last + 1):
        at = START + timedelta(seconds=pos)
        Entry.objects.create(
            tape=0, pos=pos, kind="transaction", service=service, xid=pos, lsn=f"0/{pos:X}", committed_at=at, recorded_at=at,
            title=f"{service} {SECRETS['payment']}" if THEIRS in bookings else service, cause_known=True, changes=changes,
            data=None, causes=[], cause_pos=[], emits=[],
        )  # fmt: skip
        Mention.objects.bulk_create([Mention(tape=0, pos=pos, correlation=one) for one in bookings])
    while Indexer().step():
        pass


@pytest.fixture
def run() -> Iterator[UUID]:
    """The second of two: what the first left is there when it begins."""
    tickets = [change("tickets_ticket", SECRETS[one], ticket(SECRETS[one], THEIRS)) for one in ("code", "other code")]
    wipe()
    begin()
    lifecycle.start("before", "", [])
    customer = {"id": 1, "name": SECRETS["name"], "email": SECRETS["e-mail"]}
    record(
        ("booking", [], [change("booking_customer", "1", customer), change("booking_customer", "2", {"id": 2, "name": "seats"})]),
        ("payments", [THEIRS], [change("payments_payment", SECRETS["payment"], payment(SECRETS["payment"], THEIRS, "NEW"))]),
        ("tickets", [THEIRS], tickets),
        ("tickets", [], [change("tickets_note", "1", {"id": 1})]),
    )  # fmt: skip
    id = lifecycle.start("mine", "", [], "me")
    theirs = payment(SECRETS["payment"], THEIRS, "PAID")
    record(
        ("payments", [MINE], [change("payments_payment", OWN["payment"], payment(OWN["payment"], MINE, "PAID"))]),
        ("payments", [THEIRS], [change("payments_payment", SECRETS["payment"], theirs, {"status": "NEW"})]),
        ("tickets", [MINE], [change("tickets_ticket", OWN["code"], ticket(OWN["code"], MINE))]),
        ("tickets", [], [change("tickets_ticket", SECRETS["other code"], None, {"code": SECRETS["other code"]})]),
        ("tickets", [], [{"table": "tickets_note", "op": "truncate", "key": None, "old": None, "new": None}]),
        ("booking", [], [change("booking_customer", "1", {**customer, "name": "x"}, {"name": SECRETS["name"]}),
                         change("booking_customer", "3", {"id": 3, "name": "update"})]),
    )  # fmt: skip
    yield id
    wipe()


def masked_file(run: UUID, bookings: frozenset[str] = frozenset({MINE})) -> bytes:
    return b"".join(mask_file(list(export(run, chunk=300)), str(run), bookings))


def said(file: bytes) -> list[str]:
    return sorted(str(line) for line in list(read([file]))[:-1])


def test_a_masked_export_imports_and_says_no_secret(run: UUID) -> None:
    plain = b"".join(export(run)).decode()
    assert all(word in plain for word in (*SECRETS.values(), *OWN.values()))
    file = masked_file(run)
    assert [what for what, word in SECRETS.items() if word in file.decode()] == []
    assert all(word in file.decode() for word in OWN.values())
    assert [kind for kind, _ in read([file])] == [kind for kind, _ in read([plain.encode()])]
    copy = Run.objects.get(id=import_run([file]))
    rows = RowVersion.objects.filter(tape=copy.tape, octave=None)
    assert {version.row.get("status") for version in rows} >= {"PAID"}
    after = hashes_at(copy.tape, copy.ended_pos or 0).values()
    assert {name: total["rows"] for tables in after for name, total in tables.items()} == {
        "booking_customer": 3, "payments_payment": 2, "tickets_note": 0, "tickets_ticket": 2,
    }  # fmt: skip
    again = b"".join(export(copy.id))
    assert said(again) == said(file), "it is exported again as any other, its rows in the order of their new keys"


def test_a_row_is_the_same_row_in_every_line(run: UUID) -> None:
    keys = {
        line["data"]["key"] if "key" in line["data"] else line["data"]["changes"][0]["key"]
        for line in map(json.loads, masked_file(run).splitlines())
        for text in [json.dumps(line)]
        if line["type"] in ("sagabox.row", "sagabox.entry") and f'"{THEIRS}"' in text and "payments_payment" in text
    }
    (key,) = keys
    assert UUID(key), "of the kind it stands for"
    assert key == stand_ins(str(run))(SECRETS["payment"])


def test_stand_ins_are_of_one_run_alone_and_take_the_secret_key(run: UUID, settings: Any) -> None:
    here, there = stand_ins("1")("Anastasia"), stand_ins("2")("Anastasia")
    assert here == stand_ins("1")("Anastasia") != there
    settings.SECRET_KEY = "another"
    assert stand_ins("1")("Anastasia") != here


def test_an_export_that_breaks_off_has_no_trailer(run: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"".join(export(run)).splitlines(keepends=True)
    monkeypatch.setattr(masking, "CHUNK", 1)  # each line at once
    got: list[bytes] = []
    with pytest.raises(ValueError, match="interrupted"):
        got.extend(mask_file(lines[:-1], str(run), frozenset()))
    assert len(got) == len(lines) - 1
    with pytest.raises(ValueError, match=r"delimiter|Unterminated"):
        list(mask_file([lines[0], lines[1][:-9]], str(run), frozenset()))


@pytest.mark.parametrize("mechanism", ["stand-ins", "hashes"])
def test_without_stand_ins_or_hashes_of_its_own_it_would_not_import(
    run: UUID, monkeypatch: pytest.MonkeyPatch, mechanism: str
) -> None:
    if mechanism == "stand-ins":
        same: Callable[[str], Callable[[str], str]] = lambda run: lambda secret: "•••"  # noqa: E731
        monkeypatch.setattr(masking, "stand_ins", same)
    else:
        monkeypatch.setattr(masking.Totals, "hashes", lambda self, named: named)
    file = masked_file(run)
    with pytest.raises(ArchiveError):
        import_run([file])


def test_of_nobodys_bookings_nothing_is_said_in_full(run: UUID) -> None:
    file = masked_file(run, frozenset()).decode()
    assert [word for word in (*SECRETS.values(), *OWN.values()) if word in file] == []
    import_run([file.encode()])


def test_a_visitor_has_so_many_runs_and_ends_nobody_elses() -> None:
    wipe()
    begin()
    lifecycle.start("operator's", "", [])
    first = lifecycle.start("mine", "", [], "me")
    with pytest.raises(lifecycle.OthersRunError, match="another visitor"):
        lifecycle.start("", "", [], "you")
    with pytest.raises(lifecycle.LiveRunError):
        lifecycle.delete(first, "me")  # it is being recorded
    lifecycle.stop(first, [])
    lifecycle.stop(first, [])
    assert Run.objects.filter(ended_pos=None).values_list("owner", flat=True).get() is None
    with pytest.raises(lifecycle.LiveRunError):
        lifecycle.delete(first, "you")
    for _ in range(lifecycle.OF_A_VISITOR - 1):
        last = lifecycle.start("", "", [], "me")
    with pytest.raises(lifecycle.OthersRunError, match="delete one"):
        lifecycle.start("", "", [], "me")
    lifecycle.delete(first, "me")
    assert lifecycle.start("", "", [], "me") != last
    assert lifecycle.start("operator's", "", []), "an operator ends any"
    for number in range(lifecycle.OF_ALL - lifecycle.OF_A_VISITOR):
        Run.objects.create(
            id=uuid.uuid4(), name="x", owner=f"v{number}", started_pos=1, ended_pos=0, started_at=START, ended_at=START
        )
    with pytest.raises(lifecycle.OthersRunError, match="together"):
        lifecycle.start("", "", [], "you")
    wipe()


def test_who_has_left_their_run_open_keeps_another_visitor_waiting_for_so_long_and_no_longer(
    settings: Any,
) -> None:
    wipe()
    begin()
    lifecycle.start("mine", "", [], "me")
    second = lifecycle.start("mine again", "", [], "me")
    with pytest.raises(lifecycle.OthersRunError, match="when they have stopped it, or in 15 min"):
        lifecycle.start("", "", [], "you")
    ago = datetime.now(UTC) - timedelta(seconds=settings.VISITOR_RUN_S - 30)
    Run.objects.filter(name="mine").update(started_at=ago)  # another of theirs in a row gives them no more time
    with pytest.raises(lifecycle.OthersRunError, match="or in 30 s"):
        lifecycle.start("", "", [], "you")
    settings.VISITOR_RUN_S -= 31
    yours = lifecycle.start("yours", "", [], "you")
    assert Run.objects.get(ended_pos=None).id == yours
    assert Run.objects.get(id=second).ended_at is not None, "it is kept, as far as it was recorded"
    with pytest.raises(lifecycle.OthersRunError, match="another visitor"):
        lifecycle.start("", "", [], "me")  # now it is theirs to wait
    wipe()
