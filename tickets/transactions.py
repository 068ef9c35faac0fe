"""Ticket's local transaction: a fixed number of SQL statements for a batch, in the caller's transaction."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from messaging.database import Database
from tickets.contract import (
    IssuanceState,
    IssuanceStatus,
    IssueTickets,
    Refusal,
    TicketsIssued,
    TicketsRefused,
    TicketState,
    TicketsVoided,
)

CODE_BYTES = 16


@dataclass(frozen=True, slots=True)
class IssuanceChange:
    """A booking's tickets as this transaction leaves them, and the version of the issuance."""

    state: IssuanceState
    version: int


_RECORD = """
    insert into tickets_issuance (booking_id, performance_id, customer_id, status, reason, version)
    select booking_id, performance_id, customer_id, status, reason, 1
    from jsonb_to_recordset(%s::jsonb) as asked (
        booking_id uuid, performance_id text, customer_id bigint, status text, reason text)
"""
_ISSUE = """
    insert into tickets_ticket (issuance_id, seat, code)
    select issuance_id, seat, code from unnest(%s::uuid[], %s::text[], %s::text[]) as issued (issuance_id, seat, code)
    returning issuance_id::text, id::text, seat, code
"""

_VOID = """
    with issued as (
        select booking_id from tickets_issuance where booking_id = any(%s::uuid[]) and status = 'ISSUED'
        order by booking_id for no key update
    )
    update tickets_issuance issuance set status = 'VOIDED', version = issuance.version + 1
    from issued where issuance.booking_id = issued.booking_id
    returning issuance.booking_id::text, issuance.version
"""
_TICKETS = """
    select issuance_id::text, id::text, seat, code from tickets_ticket where issuance_id = any(%s::uuid[]) order by id
"""
_VOIDED = "select booking_id::text from tickets_issuance where booking_id = any(%s::uuid[]) and status = 'VOIDED'"


def issue(db: Database, commands: Sequence[IssueTickets], refusals: Sequence[str]) -> list[IssuanceChange]:
    """Issue a ticket for each seat of each booking, or record the refusal. Two statements.

    `refusals`: for each command the reason it is refused with, or "".
    """
    if not commands:
        return []
    asked = list(zip(commands, refusals, strict=True))
    records = [{**command.model_dump(), "status": _status(reason), "reason": reason} for command, reason in asked]
    db.run(_RECORD, [orjson.dumps(records).decode()])
    wanted = [(command.booking_id, seat) for command, reason in asked if not reason for seat in command.seats]
    columns = [booking for booking, _ in wanted], [seat for _, seat in wanted], [_code() for _ in wanted]
    tickets = _by_booking(db.rows(_ISSUE, list(columns)))
    return [_change(command.booking_id, reason, tickets[command.booking_id]) for command, reason in asked]


def void(db: Database, bookings: Sequence[str]) -> list[IssuanceChange | Refusal | None]:
    """Void the tickets of each booking; None where they were void before, a Refusal where there are none. Three statements."""
    versions = dict(db.rows(_VOID, [list(bookings)]))
    tickets = _by_booking(db.rows(_TICKETS, [list(versions)]))
    before = {booking for (booking,) in db.rows(_VOIDED, [list(bookings)])}
    return [
        _voided(booking, tickets[booking], versions[booking])
        if booking in versions
        else None
        if booking in before
        else Refusal.NO_TICKETS
        for booking in bookings
    ]


def _voided(booking: str, tickets: list[TicketState], version: int) -> IssuanceChange:
    state = TicketsVoided(booking_id=booking, status=IssuanceStatus.VOIDED, reason="", tickets=tickets)
    return IssuanceChange(state, version)


def _by_booking(rows: list[tuple[Any, ...]]) -> dict[str, list[TicketState]]:
    tickets: dict[str, list[TicketState]] = defaultdict(list)
    for booking, pk, seat, code in rows:
        tickets[booking].append(TicketState(id=pk, seat=seat, code=code))
    return tickets


def _status(reason: str) -> IssuanceStatus:
    return IssuanceStatus.REFUSED if reason else IssuanceStatus.ISSUED


def _code() -> str:
    return secrets.token_urlsafe(CODE_BYTES)


def _change(booking: str, reason: str, tickets: list[TicketState]) -> IssuanceChange:
    event = TicketsRefused if reason else TicketsIssued
    return IssuanceChange(event(booking_id=booking, status=_status(reason), reason=reason, tickets=tickets), 1)
