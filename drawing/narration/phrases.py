"""Words for what rows and reasons show, as a person reads them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

REASONS = {
    "card_declined": "the card was declined",
    "insufficient_funds": "the card has no funds",
    "seat_taken": "another booking has the seat",
    "unknown_seat": "there is no such seat",
    "printer_refused": "the printer refused",
    "no_tickets": "there are no tickets",
    "refund_refused": "the refund was refused",
}
"""The reason of a refusal -> a clause. A reason that is not listed is shown with its own words."""
TURNED = {
    "hold_expired": "The hold on the seats expired",
    "cancel_requested": "The customer cancelled",
    "cancelled_by_customer": "The customer cancelled",
}
"""Why a saga turned back without a refusal -> a sentence without its end."""
SEATS_NAMED = 3


def reason(code: str) -> str:
    return REASONS.get(code) or code.replace("_", " ")


def turned(code: str) -> str:
    return TURNED.get(code) or f"It was interrupted ({code.replace('_', ' ')})"


def seats(labels: Sequence[str]) -> str:
    """seat A-14; seats A-14 and A-15; seats A-14, A-15, A-16 and 2 more."""
    named = [*labels[:SEATS_NAMED], *([f"{len(labels) - SEATS_NAMED} more"] if len(labels) > SEATS_NAMED else [])]
    return f"seat{'s' if len(labels) > 1 else ''} {listed(named)}"


def effect(noun: str, state: str, labels: Sequence[str], amount: str, count: int) -> str:
    """What a local transaction did: a clause for rows of this kind that got this state; "" for none worth a word.

    `labels`: of the rows that have one; `amount`: formatted, "" if the rows have none; `count`: rows that belong to it.
    """
    were = "were" if len(labels) > 1 else "was"
    known = {
        ("seat", "RESERVED"): f"{seats(labels)} {were} reserved",
        ("seat", "SOLD"): "the seats were sold" if len(labels) > 1 else "the seat was sold",
        ("seat", "AVAILABLE"): f"{seats(labels)} {were} given back",
        ("payment", "COMPLETED"): f"{amount or 'the price'} was taken",
        ("payment", "REFUNDED"): f"{amount or 'the price'} was refunded",
        ("issuance", "ISSUED"): f"{count} tickets were issued" if count > 1 else "the ticket was issued",
        ("issuance", "VOIDED"): "the tickets were made invalid",
        ("payment", "DECLINED"): "",
        ("issuance", "REFUSED"): "",
        ("hold", "HELD"): "",
        ("hold", "RELEASED"): "",
        ("hold", "CONFIRMED"): "",
    }
    found = known.get((noun, state))
    return f"{noun} became {state}" if found is None else found


def listed(words: Sequence[str]) -> str:
    """One; one and two; one, two and three."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
