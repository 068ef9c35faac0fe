"""Seat's local transactions. Each function works in the caller's transaction and takes a whole batch."""

from seats.transactions.ending import confirm, give_back, release
from seats.transactions.expiry import report_expired
from seats.transactions.holds import HoldChange, HoldError
from seats.transactions.programme import Programme, SeatBlock, announce
from seats.transactions.reserving import reserve

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
