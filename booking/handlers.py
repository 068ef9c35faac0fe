"""Booking's way in: every message on the queue `booking` goes to the orchestrator."""

from booking.models import DeadLetter
from booking.orchestrator import process
from messaging.connections import redis_client
from messaging.inbox import Inbox

handle = Inbox(service="booking", dead_letter=DeadLetter, process=process, redis=redis_client).handle
