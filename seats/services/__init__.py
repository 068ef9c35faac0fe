"""Seat's local transactions. Each function works in the caller's transaction and takes a whole batch."""

from seats.services.ending import confirm, release
from seats.services.holds import HoldChange, HoldError
from seats.services.programme import Programme, SeatBlock, announce
from seats.services.reserving import reserve

__all__ = ["HoldChange", "HoldError", "Programme", "SeatBlock", "announce", "confirm", "release", "reserve"]
