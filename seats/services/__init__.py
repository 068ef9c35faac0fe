"""Seat's local transactions. Each function works in the caller's transaction and takes a whole batch."""

from seats.services.ending import confirm, give_back, release
from seats.services.expiry import report_expired
from seats.services.holds import HoldChange, HoldError
from seats.services.programme import Programme, SeatBlock, announce
from seats.services.reserving import reserve

__all__ = [
    "HoldChange",
    "HoldError",
    "Programme",
    "SeatBlock",
    "announce",
    "confirm",
    "give_back",
    "release",
    "report_expired",
    "reserve",
]
