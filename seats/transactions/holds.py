"""Shared by the local transactions on holds: their result, their error, and their queries."""

from dataclasses import dataclass
from typing import Any

from django.db import connections

from seats.contract import HeldSeat, HoldState, SeatStatus


class HoldError(RuntimeError):
    """The booking's hold is not in the state the command needs; trying again may find it there."""


@dataclass(frozen=True, slots=True)
class HoldChange:
    """A hold as this transaction leaves it, and its version."""

    state: HoldState
    version: int


def held(pk: int, label: str, price: int, status: SeatStatus, booking: str | None, version: int) -> HeldSeat:
    return HeldSeat(id=pk, label=label, status=status, booking_id=booking, version=version, price=price)


def rows(statement: str, parameters: Any) -> list[tuple]:
    with connections["seats"].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
