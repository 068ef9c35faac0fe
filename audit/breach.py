"""What an invariant finds: a breach, and who is concerned. Whether it counts is decided in verdict.py."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from audit.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """Something that must not be so once the bookings concerned have ended.

    `tables`: whose rows make it so. `passing`: in order as long as the saga is under way, wrong if it ends so. `part`: which of
    several things that can be wrong about the same booking, where that matters (a view's row has several sources).
    `step`: the noun of the saga's steps that, skipped by a person, excuse it ("Seats", "Payment", "Tickets": steps' names end
    so). `on_its_way`: a read model has yet to hear of it. `certain`: wrong already, whatever becomes of the saga.
    `customer`: whose name is wrong.
    """

    bookings: tuple[str, ...]
    what: str
    tables: tuple[str, ...]
    seat: str = ""
    step: str = ""
    on_its_way: bool = False
    certain: bool = False
    passing: bool = False
    part: str = ""
    customer: int | None = None


Find = Callable[[Truth], Iterable[Breach]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """`says`: the invariant in a sentence. `needs`: the services whose answer it rests on. `find`: where it is broken."""

    name: str
    title: str
    says: str
    needs: tuple[str, ...]
    find: Find
