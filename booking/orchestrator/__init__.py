"""The orchestrator: the only part of Booking's saga with side effects. One batch of messages, one local transaction."""

from booking.orchestrator.transaction import process

__all__ = ["process"]
