"""The file format alone: what is written comes back exactly, and whatever is not what was written is refused by its line."""

import hashlib
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.archive.reading import ArchiveError, read
from tests.journal.archive.samples import runs, sample, text_of

TEXT = text_of(sample())
Run = list[tuple[str, dict[str, Any]]]


def in_pieces(text: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def sealed(lines: list[bytes]) -> bytes:
    """These lines with a trailer that is right, as a forger would write it."""
    body, last = b"".join(lines[:-1]), json.loads(lines[-1])
    last["data"] = {
        "entries": sum(b'"sagabox.entry"' in line for line in lines),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return body + json.dumps(last, separators=(",", ":")).encode() + b"\n"


@settings(max_examples=40, deadline=None)
@given(run=runs(), size=st.integers(1, 5000))
def test_what_is_written_comes_back_exactly(run: Run, size: int) -> None:
    text = text_of(run)
    found = list(read(in_pieces(text, size)))
    assert found[:-1] == run
    assert text_of(found[:-1]) == text


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_truncation_and_any_flipped_byte_is_refused(data: st.DataObject) -> None:
    text = text_of(data.draw(runs()))
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(ArchiveError):
        list(read([text[:cut]]))
    bit = 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ArchiveError):
        list(read([text[:cut] + bytes([text[cut] ^ bit]) + text[cut + 1 :]]))


AT = b'"recorded_at":"2027-01-01T00:00:00+00:00"'


def spoil(number: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    def change(lines: list[bytes]) -> list[bytes]:
        assert old in lines[number - 1]
        return [*lines[: number - 1], lines[number - 1].replace(old, new), *lines[number:]]

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: lines[1:], "line 1: the header is missing; the first line of an export is of type sagabox.run"),
        (spoil(1, b'"schema":1', b'"schema":2'), "line 1: it has schema version 2; this Sagabox reads version 1"),
        (spoil(2, b"{", b"("), "line 2: it is not JSON (Expecting value: line 1 column 1 (char 0)); each line is one"),
        (spoil(2, b"thing HELD", b"thing \\u0000"), "line 2: it holds the character NUL"),
        (spoil(2, b"thing HELD", b"\xff"), "line 2: it is not UTF-8 at byte"),
        (spoil(2, b'"xid":701', b'"xid":NaN'), "line 2: it is not JSON (NaN is not JSON)"),
        (spoil(2, b'"xid":701', b'"xid":' + b"[" * 100_000), "line 2: it is not JSON (maximum recursion"),
        (spoil(3, b'"xid":702', b'"xid":"702"'), "line 3: data.xid is not as it should be; has to be a whole number"),
        (spoil(3, b'"xid":702,', b""), "line 3: data.xid is not as it should be; is missing"),
        (spoil(3, b'"op":"insert"', b'"op":"drop"'), "line 3: data.changes.0.op is not as it should be; has to be"),
        (spoil(1, b'"name":"a run"', b'"name":"a\\r\\nrun"'), "line 1: data.name is not as it should be; character 2"),
        (spoil(1, b'"name":"a run"', b'"name":"a\\u202erun"'), "line 1: data.name is not as it should be; character 2"),
        (spoil(1, b'"name":"a run"', b'"name":"\\u200b"'), "line 1: data.name is not as it should be; a name needs"),
        (spoil(1, b'"seed":"7"', b'"seed":"7\\n"'), "line 1: data.seed is not as it should be"),
        (spoil(1, b'"faults":[]', b'"faults":["x",1,null]'), "line 1: data.faults.0 is not as it should be; has to be"),
        (spoil(1, b'"faults":[]', b'"faults":[{"action":1}]'), "line 1: data.faults.0.action is not as it should be"),
        (spoil(1, b'"faults":[]', b'"faults":[{"n":' + b"[" * 400 + b"]" * 400 + b"}]"), "line 1: it is nested more"),
        (spoil(1, b'"tables":{}', b'"tables":{"seats":[]}'), "line 1: data.tables.seats is not as it should be"),
        (spoil(1, b'"tables":{}', b'"tables":{"seats":{"t":{"columns":[["id"]],"key":[]}}}'), "line 1: data.tables.se"),
        (spoil(3, b'"cause_pos":[]', b'"cause_pos":[2]'), "line 3: its causes are at [2]; what caused the entry at 2"),
        (spoil(3, b'"cause_pos":[]', b'"cause_pos":[0]'), "line 3: its causes are at [0]; what caused the entry at 2"),
        (spoil(3, b'"cause_pos":[]', b'"cause_pos":[4611686018427387904]'), "line 3: its causes are at [46"),
        (spoil(3, AT, b'"recorded_at":"9999-12-31T23:59:59-14:00"'), "line 3: data.recorded_at is not as it should be"),
        (spoil(3, AT, b'"recorded_at":"0001-01-01T00:00:00+14:00"'), "line 3: data.recorded_at is not as it should be"),
        (spoil(3, b'"data":null', b'"data":{"kind":["x"]}'), "line 3: data.data.kind is not as it should be"),
        (spoil(3, b'"data":null', b'"data":{"data":"x"}'), "line 3: data.data.data is not as it should be"),
        (spoil(3, b'"price":10', b'"price":' + b'{"n":' * 130 + b"1" + b"}" * 130), "line 3: it is nested more than 110"),
        (spoil(3, b"sagabox.entry", b"sagabox.thing"), "line 3: the type 'sagabox.thing' is unknown; an export has"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "line 2: position 2 comes after 0; positions follow"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "line 4: position 2 comes after 2; positions follow each"),
        (lambda lines: [*lines[:1], *lines], "line 2: sagabox.run comes after sagabox.run; the order is"),
        (lambda lines: [*lines[:2], *lines[4:]], "line 3: the last entry is 1, the state is of 3; the header names 3"),
        (lambda lines: [*lines[:4], lines[5]], "line 5: sagabox.end comes after sagabox.entry; the order is"),
        (spoil(2, b'"time":"2027', b'"time":"2028'), "line 2: its time is '2028-01-01T00:00:00+00:00'; '2027-01"),
        (spoil(1, b'"last_pos":3', b'"last_pos":9'), "line 5: the last entry is 3, the state is of 3; the header names 9"),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_line_and_with_what_is_allowed(
    change: Callable[[list[bytes]], list[bytes]], expected: str
) -> None:
    with pytest.raises(ArchiveError) as refused:
        list(read([sealed(change(TEXT.splitlines(keepends=True)))]))
    assert str(refused.value).startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "line 1: the file is empty; "),
        (TEXT[:-1], "line 6: it is cut off in the middle; an export ends with a trailer and a newline"),
        (TEXT[: TEXT.rindex(b"\n", 0, -1) + 1], "line 5: the export ends here, without its trailer: it was cut off"),
        (TEXT + b"\n", "line 7: there is something after the end; the trailer is the last line"),
        (TEXT.replace(b"thing HELD", b"thing SOLD"), "line 6: the checksum is "),
        (TEXT.replace(b'"entries":3', b'"entries":4'), "line 6: the trailer does not fit the 3 entries before it; "),
        (b"PK\x03\x04" + b"\n" * 3, "line 1: it is not JSON"),
        (b"[]\n", "line 1: the header is missing"),
    ],
)
def test_what_happens_to_files_on_their_way(text: bytes, expected: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        list(read([text]))
    assert str(refused.value).startswith(expected)


def test_the_sealing_of_these_tests_is_right() -> None:
    """The control: a forged trailer over untouched lines is the very trailer."""
    assert sealed(TEXT.splitlines(keepends=True)) == TEXT


def test_a_line_without_end_is_refused_when_it_is_too_long_and_costs_no_more_memory() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 65536

    tracemalloc.start()
    with pytest.raises(ArchiveError) as refused:
        list(read(endless(), longest=2**20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(refused.value) == "line 1: it is longer than 1,048,576 bytes; no line of an export is"
    assert (taken, peak < 8 * 2**20) == (17, True)
