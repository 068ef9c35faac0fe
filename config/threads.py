"""Threads for synchronous views that outlive a request: Django's handler starts two for each, and joins them."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries

Application = Callable[[Any, Any, Any], Awaitable[None]]


def kept(application: Application) -> Application:
    """The same ASGI application; what is synchronous in a request runs in one thread, as before, which then serves another.

    There are as many as there were requests at once. What a thread keeps from one request to the next (connections, which
    Django closes after each) is what a thread of any WSGI server keeps.
    """
    free: list[ThreadPoolExecutor] = []

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        executor = free.pop() if free else ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=executor):
                await application(scope, receive, send)
        except BaseException:
            executor.shutdown(wait=False)  # it may still be at work
            raise
        free.append(executor)

    return serve


def close_connections_once() -> None:
    """After a request, and not before it as well: each time takes a thread, a quarter of what the smallest request costs.

    What a request leaves behind its thread gives up with it (`kept`); the queries of DEBUG nobody looks at.
    """
    request_started.disconnect(reset_queries)
    request_started.disconnect(close_old_connections)
