"""The Celery app: one queue per service, one task, `handle`, which takes a batch of envelopes.

The transport options return a killed worker's message to the queue after seconds, not after the hour that Redis
transports wait by default (measured: 5 s against 100 s and more).
"""

from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready
from django.conf import settings

from messaging.postgresql.bounded import be_patient
from messaging.postgresql.kept import keep_connections

app = Celery("sagabox")
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 15,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "unacked_restore_limit": 1000,
        # So that a Redis that is frozen, or behind a network that drops everything, is noticed. A blocking read takes a
        # second at most.
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="nobody",  # a message without a destination must not reach a service by accident
    task_create_missing_queues=True,
    worker_prefetch_multiplier=1,  # messages wait in the relay, where they can still be merged
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    task_serializer="json",
    accept_content=["json"],
    # Celery would close the connections before and after each task. One that is broken is closed by the inbox.
    CELERY_DB_REUSE_MAX=1_000_000,
)
app.set_default()  # relays publish by `celery.current_app`: a library does not import the wiring


@app.task(name="handle", bind=True)
def handle(task: Any, envelopes: list[dict]) -> None:
    """Pass a batch of envelopes to the service whose worker this is."""
    info = task.request.delivery_info or {}
    _commands().handle(envelopes, bool(info.get("redelivered")))


def _commands() -> Any:
    return import_module(f"{settings.HOUSE.service(settings.SERVICE).module}.commands")


@worker_init.connect
def connect(**_: Any) -> None:
    be_patient(30)  # a connection whose server does not answer is dropped, and the work is repeated
    keep_connections()


@worker_ready.connect
def beat(**_: Any) -> None:
    """Warm up; then send heartbeats, and letters again: from threads, since the solo pool's own thread does the work."""
    from messaging.inbox import letter_retries
    from messaging.process.heartbeat import in_background
    from messaging.process.lifecycle import settle
    from messaging.process.redis import redis_client
    from messaging.process.warm_up import warm_up

    warm_up(f"worker-{settings.SERVICE}", lambda: _commands().rehearse(), _to_itself)
    settle()
    in_background(redis_client(), f"worker-{settings.SERVICE}")
    letter_retries.in_background(settings.SERVICE)


def _to_itself() -> None:
    """Send a batch of none, so that the first message does not find the way through Celery cold either."""
    handle.apply_async(args=[[]], queue=settings.SERVICE, retry=False)
