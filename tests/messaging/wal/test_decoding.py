"""Decoding, byte by byte: messages as PostgreSQL's manual describes them, built here by hand."""

import re
import struct
from datetime import UTC, datetime

import pytest

from messaging.wal import Delete, Insert, Note, Transaction, Truncate, Update, format_lsn, parse_lsn, python_row
from messaging.wal.decoding import Assembler, Decoder, ProtocolError
from messaging.wal.messages import Begin, Commit, Keepalive, Relation, Unreadable

INT4, TEXT, BOOL, JSONB = 23, 25, 16, 3802
START = datetime(2027, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000  # microseconds


def xlog(body: bytes) -> bytes:
    return b"w" + struct.pack(">qqq", 1, 2, 3) + body


def relation(oid: int = 7, columns: tuple[tuple[str, int, int], ...] = (("id", INT4, 1), ("name", TEXT, 0))) -> bytes:
    parts = [struct.pack(">I", oid), b"public\0", b"seat\0", b"f", struct.pack(">h", len(columns))]
    for name, type_oid, flags in columns:
        parts += [struct.pack(">B", flags), name.encode() + b"\0", struct.pack(">Ii", type_oid, -1)]
    return xlog(b"R" + b"".join(parts))


def row(*values: str | bytes | None) -> bytes:
    """Text values; None is NULL, a bytes value is a kind without a value, such as b"u"."""
    parts = [struct.pack(">h", len(values))]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif isinstance(value, bytes):
            parts.append(value)
        else:
            encoded = value.encode()
            parts.append(b"t" + struct.pack(">i", len(encoded)) + encoded)
    return b"".join(parts)


def change(kind: bytes, *parts: bytes, oid: int = 7) -> bytes:
    return xlog(kind + struct.pack(">I", oid) + b"".join(parts))


@pytest.fixture
def decoder() -> Decoder:
    decoder = Decoder()
    decoder.decode(relation())
    return decoder


def test_keepalive() -> None:
    data = b"k" + struct.pack(">qqB", 0x1_0000_00FF, 0, 1)
    assert Decoder().decode(data) == Keepalive(0x1_0000_00FF, True)


def test_begin_has_an_unsigned_xid_and_a_time_with_zone() -> None:
    data = xlog(b"B" + struct.pack(">qqI", 99, HOUR, 4_000_000_000))
    assert Decoder().decode(data) == Begin(99, datetime(2000, 1, 1, 1, tzinfo=UTC), 4_000_000_000)


def test_commit() -> None:
    data = xlog(b"C" + struct.pack(">Bqqq", 0, 100, 140, HOUR))
    assert Decoder().decode(data) == Commit(100, 140, datetime(2000, 1, 1, 1, tzinfo=UTC))


def test_relation_takes_its_key_from_the_catalogue() -> None:
    found = Decoder({7: ("name", "id")}).decode(relation())
    assert isinstance(found, Relation)
    assert (found.schema, found.table, found.names, found.key) == ("public", "seat", ("id", "name"), ("name", "id"))
    assert found.columns[0].in_identity
    assert not found.columns[1].in_identity


@pytest.mark.parametrize(
    ("columns", "key"),
    [((("id", INT4, 1), ("a", TEXT, 0)), ("id",)), ((("a", INT4, 1), ("b", TEXT, 1)), ("a", "b"))],
)
def test_key_of_a_table_that_the_catalogue_did_not_have_yet(columns: tuple, key: tuple[str, ...]) -> None:
    found = Decoder().decode(relation(columns=columns))
    assert isinstance(found, Relation)
    assert found.key == key


def test_insert_with_null_empty_and_wide_text(decoder: Decoder) -> None:
    found = decoder.decode(change(b"I", b"N", row("1", None)))
    assert isinstance(found, Insert)
    assert found.new == {"id": "1", "name": None}
    found = decoder.decode(change(b"I", b"N", row("", "좌석 A-15")))
    assert isinstance(found, Insert)
    assert found.new == {"id": "", "name": "좌석 A-15"}


def test_update_with_the_whole_old_row(decoder: Decoder) -> None:
    found = decoder.decode(change(b"U", b"O", row("1", "a"), b"N", row("1", "b")))
    assert isinstance(found, Update)
    assert (found.old, found.new) == ({"id": "1", "name": "a"}, {"id": "1", "name": "b"})


def test_update_without_an_old_row(decoder: Decoder) -> None:
    found = decoder.decode(change(b"U", b"N", row("1", "b")))
    assert isinstance(found, Update)
    assert (found.old, found.new) == (None, {"id": "1", "name": "b"})


def test_unchanged_toasted_value_comes_from_the_old_row(decoder: Decoder) -> None:
    found = decoder.decode(change(b"U", b"O", row("1", "long"), b"N", row("2", b"u")))
    assert isinstance(found, Update)
    assert found.new == {"id": "2", "name": "long"}


def test_unchanged_toasted_value_that_nobody_has_is_left_out_not_guessed(decoder: Decoder) -> None:
    found = decoder.decode(change(b"U", b"N", row("2", b"u")))
    assert isinstance(found, Update)
    assert found.new == {"id": "2"}


def test_old_key_says_nothing_about_the_other_columns(decoder: Decoder) -> None:
    found = decoder.decode(change(b"D", b"K", row("1", None)))
    assert isinstance(found, Delete)
    assert found.old == {"id": "1"}


def test_truncate_names_every_table() -> None:
    decoder = Decoder()
    decoder.decode(relation(7))
    decoder.decode(relation(8))
    found = decoder.decode(xlog(b"T" + struct.pack(">iBII", 2, 0, 7, 8)))
    assert isinstance(found, Truncate)
    assert [table.oid for table in found.relations] == [7, 8]


def test_a_table_that_changes_its_columns_is_announced_again(decoder: Decoder) -> None:
    decoder.decode(relation(columns=(("id", INT4, 1), ("name", TEXT, 0), ("more", TEXT, 0))))
    found = decoder.decode(change(b"I", b"N", row("1", "a", "x")))
    assert isinstance(found, Insert)
    assert found.new == {"id": "1", "name": "a", "more": "x"}


def test_types_and_origins_are_passed_over() -> None:
    assert Decoder().decode(xlog(b"Y" + b"\0" * 8)) is None
    assert Decoder().decode(xlog(b"O" + b"\0" * 8)) is None


@pytest.mark.parametrize("data", [b"?nonsense", xlog(b"?")])
def test_what_is_not_known_is_an_error(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="unexpected replication message"):
        Decoder().decode(data)


@pytest.mark.parametrize(
    ("piece", "why"),
    [
        (change(b"I", b"N", row("1", b"b\0\0\0\1x")), "ProtocolError: column .* only text is asked for"),
        (change(b"I", b"N", row("1", b"t\0\0\0\1\xff")), "UnicodeDecodeError"),
        (change(b"I", b"N", row("1", b"t\x7f")), "error"),
        (xlog(b"I" + b"\0\0\0\x63" + b"N\0\0"), "KeyError: 99"),
        (xlog(b"M" + b"\1" + b"\0" * 8 + b"\xff\0" + b"\0\0\0\1x"), "UnicodeDecodeError"),
    ],
)
def test_a_piece_that_cannot_be_read_leaves_the_rest_of_its_transaction(
    decoder: Decoder, piece: bytes, why: str
) -> None:
    """Read again after every restart, it would stop its reader for ever."""
    found = decoder.decode(piece)
    assert isinstance(found, Unreadable)
    assert re.search(why, found.why)
    assembler = Assembler()
    good = Note(True, "x", b"y")
    for part in (Begin(0x100, START, 7), found, good):
        assert assembler.add(part) is None
    transaction = assembler.add(Commit(0x100, 0x140, START))
    assert transaction is not None
    assert (transaction.notes, transaction.unreadable) == ([good], [found.why])


def test_of_a_long_note_and_of_many_the_beginning_is_kept(decoder: Decoder) -> None:
    content = b"z" * 1_000_000
    data = xlog(b"M" + b"\1" + b"\0" * 8 + b"journal\0" + len(content).to_bytes(4, "big") + content)
    note = decoder.decode(data)
    assert isinstance(note, Note)
    assert len(note.content) == 64 * 1024
    assembler = Assembler()
    assembler.add(Begin(0x100, START, 7))
    for _ in range(1000):
        assembler.add(note)
    transaction = assembler.add(Commit(0x100, 0x140, START))
    assert transaction is not None
    assert len(transaction.notes) == 100


def test_values_become_python_by_their_type() -> None:
    decoder = Decoder()
    columns = (("id", INT4, 1), ("name", TEXT, 0), ("flag", BOOL, 0), ("body", JSONB, 0))
    table = decoder.decode(relation(columns=columns))
    assert isinstance(table, Relation)
    text = {"id": "15", "name": "15", "flag": "f", "body": '{"a": [1]}'}
    assert python_row(table, dict(text)) == {"id": 15, "name": "15", "flag": False, "body": {"a": [1]}}
    assert python_row(table, {"id": "1", "flag": "t", "body": None}) == {"id": 1, "flag": True, "body": None}


def test_messages_become_whole_transactions(decoder: Decoder) -> None:
    assembler = Assembler()
    begin = Begin(140, datetime(2000, 1, 1, tzinfo=UTC), 5)
    insert = decoder.decode(change(b"I", b"N", row("1", "a")))
    assert isinstance(insert, Insert)
    assert assembler.add(begin) is None
    assert assembler.inside
    assert assembler.add(insert) is None
    at = datetime(2000, 1, 1, 2, tzinfo=UTC)
    assert assembler.add(Commit(100, 140, at)) == Transaction(5, 100, 140, at, [insert])
    assert not assembler.inside
    with pytest.raises(ProtocolError, match="without its begin"):
        assembler.add(Commit(100, 140, at))


@pytest.mark.parametrize(("lsn", "text"), [(0, "0/0"), (0x16_B374D848, "16/B374D848"), (2**63, "80000000/0")])
def test_log_positions_are_written_as_postgresql_writes_them(lsn: int, text: str) -> None:
    assert format_lsn(lsn) == text
    assert parse_lsn(text) == lsn
