"""What the auditor keeps from one reading to the next: the standing of each booking, the bookings on each seat, the
breaches.

It keeps no rows: changed ones are read again. A full reading makes a new ledger; a partial reading is merged into the
present one, which is then equal to that of a full reading.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from audit import invariants
from audit.breach import Breach
from audit.running.scope import Scope, of_breach, union
from audit.truth import Row, Standing, Truth, tellers
from audit.verdict import INVARIANTS, Status, Verdict, conclude, find, status_of

Money = dict[str, tuple[int, int, int, int]]
"""Currency -> money taken, held and returned, in minor units, and the number of payments."""


class Ledger:
    """A Known of audit.verdict."""

    def __init__(self) -> None:
        self.waived: dict[str, list[Row]] = {}
        self.unavailable: dict[str, str] = {}
        self.stopped: frozenset[str] = frozenset()
        self._standings: dict[str, Standing] = {}
        self._breaches: dict[str, list[Breach]] = {invariant.name: [] for invariant in INVARIANTS}
        self._money: dict[str, Money] = {}
        self._totals: dict[str, list[int]] = {}
        self._on_seat: dict[str, set[str]] = defaultdict(set)  # seat -> bookings with a hold, or tickets, for it
        self._seats_of: dict[str, frozenset[str]] = {}
        self._placed_by: dict[str, set[str]] = defaultdict(set)  # request -> bookings
        self._requests_of: dict[str, frozenset[str]] = {}
        self._looked: dict[str, int] = {}  # unsettled booking -> the number of the reading that checked it last
        self._number = 0

    def standing(self, booking: str) -> Standing:
        return self._standings.get(booking, Standing.UNKNOWN)

    def verdict(self) -> Verdict:
        totals = {
            currency: {"in": came_in, "held": held, "returned": returned}
            for currency, (came_in, held, returned, payments) in sorted(self._totals.items())
            if payments
        }
        return conclude(self, self._breaches, Counter(self._standings.values()), totals)

    def violated(self) -> set[Breach]:
        return {breach for breach in self._every_breach() if status_of(breach, self) is Status.VIOLATED}

    def unsettled(self, most: int) -> Scope:
        """What may change without an event: bookings under way, and possible or actual breaches. At most so many of
        each, the longest unchecked first.
        """
        about = union(map(of_breach, self._every_breach()))
        open_ones = (booking for booking, standing in self._standings.items() if standing is not Standing.ENDED)
        kinds = (about.bookings.union(open_ones), about.seats, about.customers)
        self._looked = {one: self._looked.get(one, 0) for kind in kinds for one in kind}
        bookings, seats, customers = (frozenset(sorted(kind, key=self._looked.__getitem__)[:most]) for kind in kinds)
        return Scope(bookings=bookings, seats=seats, customers=customers)

    def rivals(self, truth: Truth, scope: Scope) -> Scope:
        """What else has to be judged together with a scope: bookings on the same seats or of the same request, and
        everything that was in the same breach.
        """
        seats = scope.seats.union(seat for _, seat in _seats(truth))
        requests = {request["request"] for request in truth.of("request")}
        found = [self._on_seat.get(seat, set()) for seat in seats]
        found += [self._placed_by.get(request, set()) for request in requests]
        broken = [of_breach(one) for one in self._every_breach() if scope.concerns(one)]
        return union((Scope(bookings=frozenset().union(*found)), *broken))

    def put(self, truth: Truth, scope: Scope | None = None) -> None:
        """Keep what was read; with a `scope` it replaces the former data of that scope, without one all data."""
        self._number += 1
        self.unavailable, self.stopped = dict(truth.unavailable), truth.stopped
        bookings = self._all(truth) if scope is None else scope.bookings
        if not self._silent("booking"):
            self._put_bookings(truth, bookings)
        if not self._silent("booking", "hold", "ticket"):
            _replace(self._on_seat, self._seats_of, bookings, _by_booking(_seats(truth)))
        if not self._silent("payment"):
            self._put_money(truth, bookings)
        for name, found in find(truth).items():
            kept = [] if scope is None else [one for one in self._breaches[name] if not scope.concerns(one)]
            self._breaches[name] = kept + found
        if scope is not None:
            self._looked |= dict.fromkeys((*scope.bookings, *scope.seats, *scope.customers), self._number)

    def _silent(self, *kinds: str) -> bool:
        """Whether one of the services that report these kinds has not answered, or does not run."""
        return bool((self.stopped | self.unavailable.keys()) & set(tellers(*kinds)))

    def _every_breach(self) -> Iterator[Breach]:
        return (breach for breaches in self._breaches.values() for breach in breaches)

    def _all(self, truth: Truth) -> frozenset[str]:
        return frozenset(truth.bookings.keys() | truth.payments.keys() | truth.issuances.keys() | truth.holds.keys())

    def _put_bookings(self, truth: Truth, bookings: Iterable[str]) -> None:
        for booking in bookings:
            self._standings.pop(booking, None)
            self.waived.pop(booking, None)
        self._standings |= {booking: truth.standing(booking) for booking in truth.bookings}
        self.waived |= truth.waived
        requests = ((row["booking_id"], row["request"]) for row in truth.of("request"))
        _replace(self._placed_by, self._requests_of, bookings, _by_booking(requests))

    def _put_money(self, truth: Truth, bookings: Iterable[str]) -> None:
        for booking in bookings:
            for currency, sums in self._money.pop(booking, {}).items():
                self._add(currency, [-one for one in sums])
            if payments := truth.payments.get(booking):
                self._money[booking] = _money(payments, truth)
                for currency, sums in self._money[booking].items():
                    self._add(currency, sums)

    def _add(self, currency: str, sums: Iterable[int]) -> None:
        total = [one + more for one, more in zip(self._totals.get(currency, (0, 0, 0, 0)), sums, strict=True)]
        self._totals[currency] = total


def _seats(truth: Truth) -> Iterable[tuple[str, str]]:
    """(booking, seat) of all seats taken by hold or by ticket."""
    ticketed, held = invariants.occupied(truth)
    return ((booking, f"{performance}/{label}") for performance, label, booking in (*ticketed, *held))


def _by_booking(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for booking, other in pairs:
        found[booking].add(other)
    return {booking: frozenset(others) for booking, others in found.items()}


def _replace(
    index: dict[str, set[str]],
    former: dict[str, frozenset[str]],
    bookings: Iterable[str],
    now: Mapping[str, frozenset[str]],
) -> None:
    """Update an index and its reverse for these bookings."""
    for booking in bookings:
        for key in former.pop(booking, ()):
            index[key].discard(booking)
            if not index[key]:
                del index[key]
        if found := now.get(booking):
            former[booking] = found
            for key in found:
                index[key].add(booking)


def _money(payments: Iterable[Row], truth: Truth) -> Money:
    found: Money = {}
    for payment in payments:
        so_far = found.get(payment["currency"], (0, 0, 0, 0))
        came_in, held, returned = invariants.money_of(payment, truth)
        found[payment["currency"]] = (
            so_far[0] + came_in,
            so_far[1] + held,
            so_far[2] + returned,
            so_far[3] + 1,
        )
    return found
