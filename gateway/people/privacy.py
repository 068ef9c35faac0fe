"""What a visitor sees of other people's data: `masked`, the one function for pages, panels, GETs and the live
connection.

An operator sees everything, and so does a person at this machine. A visitor sees in full the bookings that they placed;
of the others they see the story, with names, e-mail addresses, ticket codes and payment references masked. A secret is
recognised by its place (a column, a key of a message), and is then masked everywhere in the same document, in texts
too.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, is_dataclass, replace
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from django.db import Error as DatabaseError

from projections import queries

T = TypeVar("T")
HIDDEN = "•••"
# minimum length of a secret that is searched for inside other texts: a shorter name occurs in every second word
LONG = 8
CUSTOMERS = ("booking_customer", "projections_customer", "projections_historycustomer", "tickets_customerreplica")
PAYMENTS = ("payments_payment", "payments_refund")
ALWAYS = ("email", "code")  # keys whose texts are always secret; a name next to an e-mail address is one too
REFERENCES = ("payment_id",)
ONLY_OPERATORS = "the details are visible to an operator"


@dataclass(slots=True)
class Viewer:
    """The person who views a document. `visitor`: their pseudonym."""

    operator: bool
    visitor: str = ""
    _owned: dict[str, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def owns(self, booking: str) -> bool:
        """Whether they placed it, according to the read model; False while that is down."""
        if self.operator:
            return True
        if not self.visitor or not booking:
            return False
        with self._lock:
            if booking not in self._owned:
                self._owned[booking] = _placed(booking, self.visitor)
            return self._owned[booking]


PROGRAM = Viewer(operator=True)  # outside of a request: a command on this machine, a test
STRANGER = Viewer(operator=False)
_viewer: ContextVar[Viewer] = ContextVar("viewer", default=PROGRAM)


def viewer() -> Viewer:
    return _viewer.get()


@contextmanager
def seen_by(who: Viewer) -> Iterator[None]:
    token = _viewer.set(who)
    try:
        yield
    finally:
        _viewer.reset(token)


def private(read: Callable[..., T], table: str = "") -> Callable[..., T]:
    """The same function; its result is masked for the present viewer. `table`: the table of rows that do not name one."""

    @wraps(read)
    def reading(*args: Any, **options: Any) -> T:
        return masked(read(*args, **options), table=table)

    return reading


def masked(found: T, booking: str = "", table: str = "", instead: Callable[[str], str] | None = None) -> T:
    """A document (of dictionaries, lists, dataclasses, texts) as the present viewer may see it.

    `booking` and `table` apply where the document does not name its own. `instead`: the stand-in for a secret, where
    each needs a different one.
    """
    who = viewer()
    if who.operator or found is None:
        return found
    secrets: dict[str, str] = {}
    _collect(found, who, secrets, booking, table)
    if instead:
        secrets = {one: instead(one) for one in secrets}
    long = sorted((one for one in secrets if len(one) >= LONG), key=len, reverse=True)
    return cast(T, _put(found, who, secrets, long, booking))


def _placed(booking: str, visitor: str) -> bool:
    try:
        return queries.placed(str(UUID(booking)), visitor)
    except (ValueError, DatabaseError):
        return False


def _collect(value: Any, who: Viewer, secrets: dict[str, str], booking: str, table: str) -> None:
    """Collect the secrets of everything that is not the viewer's."""
    if isinstance(value, list | tuple):
        for one in value:
            _collect(one, who, secrets, booking, table)
    elif is_dataclass(value) and not isinstance(value, type):
        _collect(_fields(value), who, secrets, booking, table)
    elif isinstance(value, dict):
        table = str(value.get("table") or table)
        booking = _booking_of(value) or booking
        if who.owns(booking):
            return
        _note(value, table, secrets)
        of_payment = str(value.get("type", "")).startswith("Payment")
        for name, one in value.items():
            inside = "payments_payment" if name == "refund" or (of_payment and name == "data") else table
            _collect(one, who, secrets, booking, inside)


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _booking_of(value: dict[str, Any]) -> str:
    """The booking that a row, a change of one, a message or an entry is about; "" if it is about none, or several."""
    for inside in (value, value.get("new"), value.get("old"), value.get("row")):
        if isinstance(inside, dict):
            found = inside.get("booking_id") or inside.get("correlation_id") or inside.get("issuance_id")
            if not found and inside.keys() >= {"customer_id", "performance_id", "seats"}:
                found = inside.get("id")
            if found:
                return str(found)
    correlations = value.get("correlations")
    return str(correlations[0]) if isinstance(correlations, list) and len(correlations) == 1 else ""


def _note(value: dict[str, Any], table: str, secrets: dict[str, str]) -> None:
    """The secrets in this dictionary itself, each with its stand-in."""
    hidden = [value.get(name) for name in ALWAYS]
    hidden += [value.get("name")] if table in CUSTOMERS or "email" in value else []
    hidden += [value.get("customer")]  # of a row with its customer's name; a number where a request names one
    references = [value.get(name) for name in REFERENCES]
    if table in PAYMENTS:
        references += [value.get("id"), value.get("key")]
    if str(value.get("type", "")).startswith("Payment"):
        references += [value.get("subject")]
    secrets |= {one: HIDDEN for one in hidden if isinstance(one, str) and one}
    secrets |= {str(one): f"{HIDDEN}{str(one)[-4:]}" for one in references if isinstance(one, str | UUID) and str(one)}


def _put(value: Any, who: Viewer, secrets: dict[str, str], long: list[str], booking: str) -> Any:
    """A copy with every secret masked, except in the viewer's own data."""
    if isinstance(value, str | UUID):
        text = str(value)
        if text in secrets:
            return secrets[text]
        found = text
        for one in long:
            found = found.replace(one, secrets[one])
        return value if found == text else found
    if isinstance(value, dict):
        booking = _booking_of(value) or booking
        if who.owns(booking):
            return value
        shown = {name: _put(one, who, secrets, long, booking) for name, one in value.items()}
        if "what" in value and "bookings" in value:  # a piece of the auditor's evidence
            shown["what"] = ONLY_OPERATORS
        return shown
    if isinstance(value, list):
        return [_put(one, who, secrets, long, booking) for one in value]
    if isinstance(value, tuple):
        return tuple(_put(one, who, secrets, long, booking) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        fields = _fields(value)
        if who.owns(_booking_of(fields) or booking):
            return value
        return replace(value, **{name: _put(one, who, secrets, long, booking) for name, one in fields.items()})
    return value
