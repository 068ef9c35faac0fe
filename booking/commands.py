"""Booking's inbox: every message on the queue `booking` goes to the orchestrator."""

from booking.models import DeadLetter
from booking.orchestrator import process
from messaging.inbox.batch import Inbox
from messaging.process.redis import redis_client

handle = Inbox(service="booking", dead_letter=DeadLetter, process=process, redis=redis_client).handle
