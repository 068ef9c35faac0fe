"""The result of an invariant's check: a breach, and the bookings concerned. verdict.py decides whether it counts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from audit.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A state that is wrong once the bookings concerned have ended. `tables`: those whose rows cause it. `passing`:
    correct as long as the saga is under way, wrong if it ends like that. `part`: distinguishes several possible
    breaches of the same booking, where that matters (a view's row has several sources). `step`: the noun of the saga's
    steps that, skipped by a person, excuse it ("Seats", "Payment", "Tickets": steps' names end so). `on_its_way`: a
    read model has yet to receive it. `certain`: already wrong, whatever the saga's outcome. `customer`: whose name is
    wrong.
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
    """`says`: the invariant in a sentence. `needs`: the services whose answer it depends on. `find`: returns its breaches."""

    name: str
    title: str
    says: str
    needs: tuple[str, ...]
    find: Find
