"""The verdict: the status of each invariant, with evidence. Pure; the table at the bottom lists the invariants."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from audit import invariants
from audit.breach import Breach, Invariant
from audit.truth import WHOLE, Row, Standing, Truth, tellers
from audit.views import views_differ

SHOWN = 20  # maximum pieces of evidence per invariant, and of waivers; `count` and `waived_count` count all


class Status(StrEnum):
    HOLDS = "holds"
    PENDING = "pending"  # not decided yet: a saga concerned runs, a view converges, a service does not answer
    VIOLATED = "violated"
    NOT_APPLICABLE = "not_applicable"  # a service that it needs is on demand, and stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One invariant's verdict. `evidence`: why it does not simply hold; `waived`: what a person skipped."""

    invariant: Invariant
    status: Status
    evidence: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    waived: list[dict[str, Any]] = field(default_factory=list)
    waived_count: int = 0
    totals: dict[str, dict[str, int]] | None = None

    def as_dict(self) -> dict[str, Any]:
        """{"name", "title", "says", "status", "evidence", "count", "waived", "waived_count"} and money's "totals".

        A piece of evidence: {"what", "booking", "bookings", "seat", "tables", "part"}, or {"what", "unavailable": service}
        for one that did not answer, or does not run.
        """
        more = {} if self.totals is None else {"totals": self.totals}
        return {
            "name": self.invariant.name,
            "title": self.invariant.title,
            "says": self.invariant.says,
            "status": str(self.status),
            "evidence": self.evidence,
            "count": self.count,
            "waived": self.waived,
            "waived_count": self.waived_count,
            **more,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`bookings`: how many had ended (and were judged), ran, were stuck."""

    findings: list[Finding]
    bookings: dict[str, int]
    unavailable: dict[str, str]

    @property
    def status(self) -> Status:
        found = {finding.status for finding in self.findings}
        order = (Status.VIOLATED, Status.PENDING, Status.HOLDS)
        return next((status for status in order if status in found), Status.NOT_APPLICABLE)

    def as_dict(self) -> dict[str, Any]:
        """{"status", "bookings": {"ended", "running", "stuck"}, "unavailable", "invariants": [...]}"""
        return {
            "status": str(self.status),
            "bookings": self.bookings,
            "unavailable": self.unavailable,
            "invariants": [finding.as_dict() for finding in self.findings],
        }


class Known(Protocol):
    """The standing of the bookings, the steps that a person skipped, and the services that have not answered, or do not run."""

    @property
    def waived(self) -> Mapping[str, list[Row]]: ...
    @property
    def unavailable(self) -> Mapping[str, str]: ...
    @property
    def stopped(self) -> frozenset[str]: ...
    def standing(self, booking: str) -> Standing: ...


def judge(truth: Truth) -> Verdict:
    """Judge everything that was read."""
    counts = Counter(truth.standing(booking) for booking in truth.bookings)
    return conclude(truth, find(truth), counts, invariants.totals(truth))


def find(truth: Truth) -> dict[str, list[Breach]]:
    """The breaches by invariant's name, of the invariants whose services have all answered."""
    missing = truth.stopped | truth.unavailable.keys()
    return {one.name: list(one.find(truth)) for one in INVARIANTS if not missing & set(one.needs)}


def conclude(
    known: Known,
    breaches: Mapping[str, Iterable[Breach]],
    counts: Mapping[Standing, int],
    totals: dict[str, dict[str, int]],
) -> Verdict:
    """The verdict over these breaches, by invariant's name. `counts`: bookings by standing; `totals`: of all money."""
    return Verdict(
        findings=[_finding(invariant, known, breaches.get(invariant.name, ()), totals) for invariant in INVARIANTS],
        bookings={str(one): counts.get(one, 0) for one in (Standing.ENDED, Standing.RUNNING, Standing.STUCK)},
        unavailable=dict(known.unavailable),
    )


def status_of(breach: Breach, known: Known) -> Status | None:
    """VIOLATED, PENDING, or None for a breach that is explained by a skipped step."""
    if not breach.certain and _under_way(breach, known):
        return Status.PENDING
    if not breach.certain and _excuses(breach, known):
        return None
    return Status.PENDING if breach.on_its_way else Status.VIOLATED


def _finding(
    invariant: Invariant, known: Known, breaches: Iterable[Breach], totals: dict[str, dict[str, int]]
) -> Finding:
    if stopped := [service for service in invariant.needs if service in known.stopped]:
        evidence = [{"what": _stopped(service), "unavailable": service} for service in stopped]
        return Finding(invariant=invariant, status=Status.NOT_APPLICABLE, evidence=evidence, count=len(evidence))
    silent = [service for service in invariant.needs if service in known.unavailable]
    if silent:
        evidence = [{"what": known.unavailable[service], "unavailable": service} for service in silent]
        return Finding(invariant=invariant, status=Status.PENDING, evidence=evidence, count=len(evidence))
    violated, pending, waived = [], [], []
    for breach in breaches:
        match status_of(breach, known):
            case Status.VIOLATED:
                violated.append(breach)
            case Status.PENDING:
                pending.append(breach)
            case None:
                steps = _excuses(breach, known)
                waived += [{**_evidence(breach), "how": _waived(step["step"]), **step} for step in steps]
    if invariant.name == "every_saga_ends":  # a person ended it
        waived += [
            {"booking": booking, "what": _waived(step["step"]), "how": _waived(step["step"]), **step}
            for booking, steps in known.waived.items()
            for step in steps
        ]
    status = Status.VIOLATED if violated else Status.PENDING if pending else Status.HOLDS
    told = violated or pending
    return Finding(
        invariant=invariant,
        status=status,
        evidence=[_evidence(breach) for breach in told[:SHOWN]],
        count=len(told),
        waived=waived[:SHOWN],
        waived_count=len(waived),
        totals=totals if invariant.name == "money_conserved" else None,
    )


def _stopped(service: str) -> str:
    return f"{service} is on demand, and stopped; this is checked when it runs"


def _waived(step: str) -> str:
    return "its saga was ended by hand" if step == WHOLE else f"{step} was skipped"


def _under_way(breach: Breach, known: Known) -> bool:
    return any(known.standing(booking) in (Standing.RUNNING, Standing.STUCK) for booking in breach.bookings)


def _excuses(breach: Breach, known: Known) -> list[dict[str, Any]]:
    """The skipped steps that explain the breach; ending a saga by hand waives everything that was left of it."""
    steps = [step for booking in breach.bookings for step in known.waived.get(booking, ())]
    whole = [dict(step) for step in steps if step["step"] == WHOLE and (breach.step or breach.passing)]
    return whole or [dict(step) for step in steps if breach.step and step["step"].endswith(breach.step)]


def _evidence(breach: Breach) -> dict[str, Any]:
    return {
        "what": breach.what,
        "booking": breach.bookings[0] if breach.bookings else None,
        "bookings": list(breach.bookings),
        "seat": breach.seat or None,
        "tables": list(breach.tables),
        "part": breach.part,
    }


INVARIANTS = (
    Invariant(
        name="no_seat_sold_twice",
        title="No seat sold twice",
        says="No two bookings have tickets, or a hold, for the same seat.",
        needs=tellers("booking", "hold", "ticket"),
        find=invariants.seats_sold_twice,
    ),
    Invariant(
        name="paid_iff_ticketed",
        title="Paid = ticketed",
        says="A booking that has ended is paid and has its tickets, or neither.",
        needs=tellers("booking", "payment", "ticket"),
        find=invariants.paid_and_ticketed_differ,
    ),
    Invariant(
        name="one_charge_per_booking",
        title="One charge each",
        says="No booking is charged more than once, and a request that is sent twice books once.",
        needs=tellers("booking", "payment"),
        find=invariants.charged_twice,
    ),
    Invariant(
        name="no_orphan_hold",
        title="No orphan hold",
        says="Every hold belongs to a booking under way or confirmed, and every taken seat to such a hold.",
        needs=tellers("booking", "seat"),
        find=invariants.orphan_holds,
    ),
    Invariant(
        name="refund_has_payment",
        title="Refunds have payments",
        says="Each refund returns one payment, and each refunded payment has its refund.",
        needs=tellers("booking", "payment"),
        find=invariants.refunds_without_payment,
    ),
    Invariant(
        name="money_conserved",
        title="Money conserved",
        says="Money in equals money held plus money returned, and equals the price of the booking.",
        needs=tellers("booking", "payment"),
        find=invariants.money_lost_or_made,
    ),
    Invariant(
        name="views_equal_truth",
        title="Views equal truth",
        says="The booking view and the seat map match the services' own rows.",
        needs=(*tellers("booking", "seat", "payment", "ticket"), "views"),
        find=views_differ,
    ),
    Invariant(
        name="every_saga_ends",
        title="Sagas end",
        says="Every saga ends, or waits for a person; none is forgotten.",
        needs=tellers("booking"),
        find=invariants.sagas_without_end,
    ),
)
