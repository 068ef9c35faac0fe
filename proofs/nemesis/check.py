"""The checker of histories: pure functions from a story to its violations. RULES, at the bottom, lists them.

After Jepsen and Elle, for this house's promises: it relies only on the clients, and on the final reading.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations, pairwise
from typing import Any

from proofs.history import Entry
from proofs.house import SETTLED
from proofs.nemesis.story import FOREVER, Op, Story

REST_S = 60.0
NEXT = {
    "PENDING": {"RESERVING", "COMPENSATING", "CANCELLED"},
    "RESERVING": {"PAYING", "COMPENSATING", "CANCELLED"},
    "PAYING": {"ISSUING", "COMPENSATING"},
    "ISSUING": {"CONFIRMING", "COMPENSATING"},
    "CONFIRMING": {"CONFIRMED"},
    "CONFIRMED": {"CANCELLING"},
    "CANCELLING": {"CANCELLED", "CONFIRMED"},
    "COMPENSATING": {"CANCELLED"},
    "CANCELLED": set(),
}
"""The booking's states as the semantic lock shows them; STUCK may come between any two."""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """`rule`: which promise is broken; `ops` and `bookings` concerned."""

    rule: str
    what: str
    bookings: tuple[str, ...] = ()
    ops: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


Found = Iterator[Violation]


def check(entries: list[Entry]) -> list[Violation]:
    """Everything that is wrong with this history, rule by rule."""
    story = Story(entries)
    return [violation for rule in RULES for violation in rule(story)]


def one_outcome(story: Story) -> Found:
    """Every accepted booking is there at the end, once, and has ended."""
    counts = Counter(row["booking_id"] for row in story.finals["booking"])
    for op in story.of("book"):
        if not op.answered:
            continue
        row = story.bookings.get(op.booking)
        if row is None:
            yield Violation(rule="one_outcome", what="accepted, and gone", bookings=(op.booking,), ops=(op.number,))
        elif counts[op.booking] > 1:
            yield Violation(
                rule="one_outcome", what="two rows for one booking", bookings=(op.booking,), ops=(op.number,)
            )
    for booking, row in story.mine.items():
        if row["state"] not in SETTLED:
            yield Violation(rule="one_outcome", what=f"has not ended: {row['state']}", bookings=(booking,))


def answers_stay_true(story: Story) -> Found:
    """A CONFIRMED that was read is undone only by a requested cancellation; a CANCELLED never."""
    for (_, booking), reads in story.reads.items():
        row = story.bookings.get(booking)
        if row is None:
            continue
        seen = {op.said["state"]: op for op in reads}
        if row["state"] == "CANCELLED" and "CONFIRMED" in seen and booking not in story.wishes:
            yield _broken(
                seen["CONFIRMED"], f"was read CONFIRMED, ended CANCELLED ({row['reason']}), and nobody cancelled"
            )
        if row["state"] != "CANCELLED" and "CANCELLED" in seen:
            yield _broken(seen["CANCELLED"], f"was read CANCELLED, ended {row['state']}")


def _broken(op: Op, what: str, rule: str = "answers_stay_true") -> Violation:
    return Violation(rule=rule, what=what, bookings=(op.booking,) if op.booking else (), ops=(op.number,))


def one_key_one_booking(story: Story) -> Found:
    """The same key always gives the same booking; another key another one; a request that was refused gives none."""
    by_key: dict[str, list[Op]] = defaultdict(list)
    by_id: dict[str, set[str]] = defaultdict(set)
    for op in story.of("book"):
        by_key[op.asked["key"]].append(op)
        if op.answered:
            by_id[op.booking].add(op.asked["key"])
    for key, ops in by_key.items():
        ids = {op.booking for op in ops if op.answered} | set(story.placed[key])
        numbers = tuple(op.number for op in ops)
        if len(ids) > 1:
            what = f"one idempotency key, {len(ids)} bookings"
            yield Violation(rule="one_key_one_booking", what=what, bookings=tuple(sorted(ids)), ops=numbers)
        if ids and all(op.end == "failed" for op in ops):
            what = "every request was refused, and yet there is a booking"
            yield Violation(rule="one_key_one_booking", what=what, bookings=tuple(sorted(ids)), ops=numbers)
    for booking, keys in by_id.items():
        if len(keys) > 1:
            yield Violation(rule="one_key_one_booking", what=f"{len(keys)} keys got one booking", bookings=(booking,))


def no_seat_twice(story: Story) -> Found:
    """No seat belongs to two bookings at once: at the end, or during the time in which both were surely confirmed."""
    spans: dict[tuple[str, str], list[tuple[float, float, str]]] = defaultdict(list)
    for booking, row in story.bookings.items():
        span = _confirmed(booking, row, story)
        for seat in row["seats"] if span else ():
            spans[row["performance_id"], seat].append((*span, booking))  # type: ignore[misc]
    reported = set()
    for (performance, seat), owners in spans.items():
        for one, other in combinations(owners, 2):
            if max(one[0], other[0]) < min(one[1], other[1]):
                pair = tuple(sorted((one[2], other[2])))
                if pair not in reported and story.mine.keys() & set(pair):
                    reported.add(pair)
                    yield Violation(rule="no_seat_twice", what=f"{performance}/{seat} belongs to both", bookings=pair)


def _confirmed(booking: str, row: dict[str, Any], story: Story) -> tuple[float, float] | None:
    """When it was surely confirmed: from the first answer that said so, until somebody wished it cancelled (or for ever)."""
    seen = [
        op.until
        for source in ("truth", "view")
        for op in story.reads.get((source, booking), ())
        if op.said["state"] == "CONFIRMED"
    ]
    if row["state"] == "CONFIRMED":
        return min([*seen, story.marks.get("rested", FOREVER / 2)]) if seen else 1e12, FOREVER
    return (min(seen), story.wishes.get(booking, FOREVER)) if seen else None


def no_lost_update(story: Story) -> Found:
    """Renames that say which version they saw: no version is taken twice, none is lost, none shows two names."""
    names: dict[tuple[int, int], set[str]] = defaultdict(set)
    taken: dict[tuple[int, int], set[str]] = defaultdict(set)
    newest: dict[int, int] = defaultdict(int)
    for op in story.ops:
        if op.answered and "version" in op.said and op.what in ("rename", "read_customer"):
            customer, version = op.asked["customer"], op.said["version"]
            names[customer, version].add(op.said["name"])
            newest[customer] = max(newest[customer], version)
            if op.what == "rename" and not op.asked.get("again"):
                if (op.said["name"], version) == (op.asked["name"], op.asked["version"]):
                    continue  # it had that name already: nothing was written
                taken[customer, version].add(op.asked["key"])
                if version != op.asked["version"] + 1:
                    yield _broken(op, f"saw version {op.asked['version']}, wrote {version}", "no_lost_update")
                if op.said["name"] != op.asked["name"]:
                    yield _broken(op, f"asked for {op.asked['name']!r}, got {op.said['name']!r}", "no_lost_update")
    for row in story.finals["customer"]:
        names[row["id"], row["version"]].add(row["name"])
        if row["version"] < newest[row["id"]]:
            what = f"customer {row['id']} had version {newest[row['id']]}, ends with {row['version']}"
            yield Violation(rule="no_lost_update", what=what)
    for (customer, version), keys in taken.items():
        if len(keys) > 1:
            what = f"customer {customer}: {len(keys)} renames both wrote version {version}"
            yield Violation(rule="no_lost_update", what=what)
    for (customer, version), found in names.items():
        if len(found) > 1:
            what = f"customer {customer} version {version} is called {', '.join(sorted(found))}"
            yield Violation(rule="no_lost_update", what=what)


def reads_go_forward(story: Story) -> Found:
    """Reads of one booking at one place follow the state machine: a state that was seen is never taken back."""
    for (source, _), reads in story.reads.items():
        for earlier, later in pairwise(sorted(reads, key=lambda op: op.until)):
            if later.since >= earlier.until and not _reachable(earlier.said["state"], later.said["state"]):
                what = f"{source}: read {earlier.said['state']}, then {later.said['state']}"
                yield Violation(
                    rule="reads_go_forward", what=what, bookings=(later.booking,), ops=(earlier.number, later.number)
                )


def _closure() -> dict[str, set[str]]:
    reach = {state: {state} for state in NEXT}
    for _ in NEXT:
        for state, steps in NEXT.items():
            reach[state] |= {far for step in steps for far in reach[step]}
    return reach


REACH = _closure()


def _reachable(earlier: str, later: str) -> bool:
    if "STUCK" in (earlier, later):
        return earlier != "CANCELLED"
    return later in REACH.get(earlier, ())


def refused_by_a_rival(story: Story) -> Found:
    """`seat_taken` means that another booking held the seat then: a lock without a holder is a dirty read."""
    wanting: dict[tuple[str, str], set[str]] = defaultdict(set)
    for booking, row in story.bookings.items():
        for seat in row["seats"]:
            wanting[row["performance_id"], seat].add(booking)
    for booking, row in story.mine.items():
        if row["state"] == "CANCELLED" and row["reason"] == "seat_taken":
            rivals = set().union(*(wanting[row["performance_id"], seat] for seat in row["seats"])) - {booking}
            if not any(story.rows("hold", rival) for rival in rivals):
                what = "refused with seat_taken, and nobody else ever held one of its seats"
                yield Violation(rule="refused_by_a_rival", what=what, bookings=(booking,))


def money_conserved(story: Story) -> Found:
    """A confirmed booking has paid its price once; a cancelled one has everything back."""
    refunds = Counter[str]()
    for row in story.finals["refund"]:
        refunds[row["payment_id"]] += row["amount"]
    for booking, row in story.mine.items():
        payments = story.rows("payment", booking)
        held = [one["amount"] for one in payments if one["status"] == "COMPLETED"]
        if row["state"] == "CONFIRMED" and held != [row["amount"]]:
            what = f"costs {row['amount']}, paid {held or 'nothing'}"
            yield Violation(rule="money_conserved", what=what, bookings=(booking,))
        if row["state"] == "CANCELLED" and held:
            yield Violation(rule="money_conserved", what=f"cancelled, and {sum(held)} kept", bookings=(booking,))
        for one in payments:
            back = refunds[one["id"]]
            if one["status"] == "REFUNDED" and back != one["amount"]:
                what = f"{one['amount']} was taken, {back} given back"
                yield Violation(rule="money_conserved", what=what, bookings=(booking,))


def tickets_conserved(story: Story) -> Found:
    """A confirmed booking has a ticket for each of its seats, which are sold to it; a cancelled one has neither."""
    for booking, row in story.mine.items():
        issued = any(one["status"] == "ISSUED" for one in story.rows("issuance", booking))
        tickets = sorted(one["seat"] for one in story.rows("ticket", booking)) if issued else []
        sold = sorted(one["label"] for one in story.rows("seat", booking) if one["status"] == "SOLD")
        taken = sorted(one["label"] for one in story.rows("seat", booking))
        wanted = sorted(row["seats"]) if row["state"] == "CONFIRMED" else []
        if row["state"] in SETTLED and tickets != wanted:
            what = f"{row['state']} for {_list(row['seats'])}, tickets for {_list(tickets)}"
            yield Violation(rule="tickets_conserved", what=what, bookings=(booking,))
        if row["state"] in SETTLED and (sold != wanted or taken != wanted):
            what = f"{row['state']} for {_list(row['seats'])}, seats taken: {_list(taken)}"
            yield Violation(rule="tickets_conserved", what=what, bookings=(booking,))


def _list(labels: list[str]) -> str:
    return ", ".join(labels) or "none"


def rested_in_time(story: Story) -> Found:
    """Every saga has ended within a minute of healing."""
    if "healed" not in story.marks:
        yield Violation(rule="rested_in_time", what="the history does not say when everything was healed")
    elif "rested" not in story.marks:
        yield Violation(rule="rested_in_time", what="there was no rest")
    elif (took := story.marks["rested"] - story.marks["healed"]) > REST_S:
        yield Violation(rule="rested_in_time", what=f"{took:.0f} s from healing to rest, of {REST_S:.0f}")


def the_auditor_agrees(story: Story) -> Found:
    """All invariants of the auditor hold."""
    if story.verdict.get("status") != "holds":
        names = ", ".join(story.verdict.get("violated", ())) or "no verdict"
        yield Violation(rule="the_auditor_agrees", what=f"{story.verdict.get('status', 'silent')}: {names}")


RULES: tuple[Callable[[Story], Found], ...] = (
    one_outcome,
    answers_stay_true,
    one_key_one_booking,
    no_seat_twice,
    no_lost_update,
    reads_go_forward,
    refused_by_a_rival,
    money_conserved,
    tickets_conserved,
    rested_in_time,
    the_auditor_agrees,
)
