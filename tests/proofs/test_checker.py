"""The checker of histories: a history in order passes; each kind of violation, made by hand, is found, and by its own rule."""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

from proofs.history import HistoryError, Recorder, parse
from proofs.nemesis.check import RULES, check

FIRST, SECOND, THIRD = "booking-1", "booking-2", "booking-3"
Line = dict[str, Any]


def digest(key: str) -> str:
    return hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()


class Tale:
    """A history in order: A-1 is confirmed and cancelled, then sold again; a third buyer came between and was refused."""

    def __init__(self) -> None:
        self.lines: list[Line] = [{"at": 0.0, "kind": "run", "seed": 7}]
        self.ops = 0
        self.rows: list[tuple[str, Line]] = []
        self.book(1, "k1", FIRST)
        self.book(1.5, "k1", FIRST)  # a double click
        self.read(2, FIRST, "PAYING")
        self.read(3, FIRST, "CONFIRMED")
        self.book(3.5, "k3", THIRD)
        self.op(4, "cancel", {"booking": FIRST, "key": "c1"}, {"status": 202, "state": "CONFIRMED"})
        self.read(5, FIRST, "CANCELLED")
        self.book(6, "k2", SECOND)
        self.read(7, SECOND, "CONFIRMED")
        self.rename(8, "Ana", 1, "r1")
        self.rename(9, "Anna", 2, "r2")
        self.end(FIRST, "CANCELLED", "cancelled_by_customer", refunded=True)
        self.end(SECOND, "CONFIRMED")
        self.end(THIRD, "CANCELLED", "seat_taken")
        for key, booking in (("k1", FIRST), ("k2", SECOND), ("k3", THIRD)):
            self.row("request", request=digest(key), booking_id=booking)
        self.row("customer", id=123, name="Anna", version=3)

    def op(self, at: float, what: str, asked: Line, said: Line, end: str = "answered") -> None:
        self.ops += 1
        self.lines.append({"at": at, "kind": "invoked", "op": self.ops, "what": what, **asked})
        self.lines.append({"at": at + 0.2, "kind": end, "op": self.ops, **said})

    def book(self, at: float, key: str, booking: str, end: str = "answered") -> None:
        asked = {"key": key, "customer": 123, "performance": "concert", "seats": ["A-1"]}
        self.op(at, "book", asked, {"status": 202, "booking": booking} if end == "answered" else {}, end)

    def read(self, at: float, booking: str, state: str, source: str = "truth") -> None:
        self.op(at, "read", {"booking": booking, "source": source}, {"state": state, "reason": ""})

    def rename(self, at: float, name: str, version: int, key: str, wrote: int = 0) -> None:
        asked = {"customer": 123, "name": name, "version": version, "key": key}
        self.op(at, "rename", asked, {"name": name, "version": wrote or version + 1})

    def end(self, booking: str, state: str, reason: str = "", refunded: bool = False) -> None:
        paid, mine = state == "CONFIRMED" or refunded, {"booking_id": booking}
        self.row("booking", **mine, state=state, reason=reason, seats=["A-1"], performance_id="concert", amount=100)
        if paid:
            self.row("hold", **mine, status="RELEASED" if refunded else "CONFIRMED")
            self.row("payment", **mine, id=f"p-{booking}", amount=100, status="REFUNDED" if refunded else "COMPLETED")
            self.row("issuance", **mine, status="VOIDED" if refunded else "ISSUED")
            self.row("ticket", **mine, seat="A-1")
        if refunded:
            self.row("refund", **mine, payment_id=f"p-{booking}", amount=100)
        if state == "CONFIRMED":
            self.row("seat", **mine, performance_id="concert", label="A-1", status="SOLD")

    def row(self, kind: str, **row: Any) -> None:
        self.rows.append((kind, row))

    def of(self, kind: str, booking: str = "") -> Line:
        return next(row for found, row in self.rows if found == kind and booking in ("", row.get("booking_id")))

    def drop(self, kind: str, booking: str) -> None:
        self.rows.remove((kind, self.of(kind, booking)))

    def entries(self) -> list[Line]:
        finals = [{"at": 30, "kind": "final", "of": kind, "row": row} for kind, row in self.rows]
        rest = [{"at": 20, "kind": "healed"}, {"at": 29, "kind": "rested"}, *finals]
        return [*self.lines, *rest, {"at": 31, "kind": "verdict", "status": "holds", "violated": []}]


def test_a_history_in_order_passes() -> None:
    assert check(Tale().entries()) == []


def refused_and_yet_there(tale: Tale) -> None:
    tale.book(11, "k8", "", "failed")
    tale.row("request", request=digest("k8"), booking_id="booking-8")


def the_view_comes_back(tale: Tale) -> None:
    tale.read(8, SECOND, "CANCELLED", "view")
    tale.read(9, SECOND, "CONFIRMED", "view")


def a_lock_of_nobody(tale: Tale) -> None:
    tale.drop("hold", FIRST)
    tale.drop("hold", SECOND)


def two_owners(tale: Tale) -> None:
    tale.end("booking-4", "CONFIRMED")
    tale.book(10, "k4", "booking-4")
    tale.row("request", request=digest("k4"), booking_id="booking-4")


def sold_before_it_was_given_up(tale: Tale) -> None:
    """Both have been read CONFIRMED before anybody wished to cancel; at the end all looks well."""
    tale.read(3.2, SECOND, "CONFIRMED")


BAD: list[tuple[str, Callable[[Tale], Any]]] = [
    ("one_outcome", lambda tale: tale.drop("booking", SECOND)),
    ("one_outcome", lambda tale: tale.of("booking", SECOND).update(state="PAYING")),
    ("one_outcome", lambda tale: tale.rows.append(("booking", tale.of("booking", SECOND)))),
    ("answers_stay_true", lambda tale: tale.of("booking", SECOND).update(state="CANCELLED", reason="hold_expired")),
    ("answers_stay_true", lambda tale: tale.of("booking", FIRST).update(state="CONFIRMED", reason="")),
    ("one_key_one_booking", lambda tale: tale.book(11, "k1", "booking-5")),
    ("one_key_one_booking", lambda tale: tale.row("request", request=digest("k1"), booking_id="booking-5")),
    ("one_key_one_booking", lambda tale: tale.book(11, "k9", SECOND)),
    ("one_key_one_booking", refused_and_yet_there),
    ("no_seat_twice", two_owners),
    ("no_seat_twice", sold_before_it_was_given_up),
    ("no_lost_update", lambda tale: tale.rename(10, "Bob", 2, "r3")),
    ("no_lost_update", lambda tale: tale.of("customer").update(version=2, name="Ana")),
    ("no_lost_update", lambda tale: tale.of("customer").update(name="Bob")),
    ("no_lost_update", lambda tale: tale.rename(10, "Bob", 3, "r3", wrote=6)),
    ("reads_go_forward", lambda tale: tale.read(3.5, FIRST, "PAYING")),
    ("reads_go_forward", the_view_comes_back),
    ("refused_by_a_rival", a_lock_of_nobody),
    ("money_conserved", lambda tale: tale.drop("payment", SECOND)),
    ("money_conserved", lambda tale: tale.rows.append(("payment", tale.of("payment", SECOND)))),
    ("money_conserved", lambda tale: tale.of("payment", FIRST).update(status="COMPLETED")),
    ("money_conserved", lambda tale: tale.drop("refund", FIRST)),
    ("tickets_conserved", lambda tale: tale.drop("ticket", SECOND)),
    ("tickets_conserved", lambda tale: tale.of("issuance", FIRST).update(status="ISSUED")),
    ("tickets_conserved", lambda tale: tale.of("seat", SECOND).update(booking_id=FIRST)),
    ("tickets_conserved", lambda tale: tale.of("seat", SECOND).update(status="RESERVED")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "damage"), BAD)
def test_each_kind_of_violation_is_found(rule: str, damage: Callable[[Tale], Any]) -> None:
    tale = Tale()
    damage(tale)
    assert rule in {violation.rule for violation in check(tale.entries())}


def test_rest_and_the_auditors_word_are_rules_too() -> None:
    entries = Tale().entries()
    without_rest = [line for line in entries if line["kind"] != "rested"]
    late = [{**line, "at": 81} if line["kind"] == "rested" else line for line in entries]
    unhealed = [line for line in entries if line["kind"] != "healed"]
    for bad in (without_rest, late, unhealed):
        assert [violation.rule for violation in check(bad)] == ["rested_in_time"]
    told = [*entries[:-1], {**entries[-1], "status": "violated", "violated": ["no_orphan_hold"]}]
    assert [violation.what for violation in check(told)] == ["violated: no_orphan_hold"]


def test_every_rule_has_a_bad_history() -> None:
    assert {rule.__name__ for rule in RULES} == {rule for rule, _ in BAD} | {"rested_in_time", "the_auditor_agrees"}


def test_what_is_not_known_is_held_against_nobody() -> None:
    """A request without an answer may have happened or not; a cancellation without an answer may have, too."""
    tale = Tale()
    tale.book(10, "k7", "", "unknown")
    tale.op(10, "cancel", {"booking": SECOND, "key": "c2"}, {}, "unknown")
    assert check(tale.entries()) == []
    tale.of("booking", SECOND).update(state="CANCELLED", reason="cancelled_by_customer")
    assert "answers_stay_true" not in {violation.rule for violation in check(tale.entries())}


def test_the_name_it_has_already_is_no_update() -> None:
    tale = Tale()
    tale.rename(10, "Anna", 3, "r3", wrote=3)
    assert check(tale.entries()) == []
    tale.rename(11, "Bob", 3, "r4", wrote=3)
    assert {violation.rule for violation in check(tale.entries())} == {"no_lost_update"}


def test_an_operation_that_never_ended_counts_as_unknown() -> None:
    tale = Tale()
    tale.lines.append({"at": 10, "kind": "invoked", "op": 99, "what": "cancel", "booking": SECOND, "key": "c3"})
    assert check(tale.entries()) == []


def test_a_recorded_history_reads_back() -> None:
    file = io.StringIO()
    recorder = Recorder(file)
    recorder.write("run", seed=7)
    number = recorder.invoke("book", key="k")
    recorder.write("answered", op=number, status=202)
    assert list(parse(file.getvalue().splitlines())) == recorder.entries


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "line 1 is not JSON"),
        ('{"at": 0, "kind": "dance"}', "no known kind"),
        ('{"kind": "run"}', "no time"),
        ('{"at": 0, "kind": "healed"}', "line 1 must be of kind run"),
    ],
)
def test_what_is_no_history_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(HistoryError, match=says):
        list(parse([text]))
