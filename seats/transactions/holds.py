"""Shared by the local transactions on holds: their result and their error."""

from dataclasses import dataclass

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
