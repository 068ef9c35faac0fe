"""Threads for synchronous views that outlive a request: Django's handler starts two for each, and joins them."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries

Application = Callable[[Any, Any, Any], Awaitable[None]]


def kept(application: Application) -> Application:
    """The same ASGI application; the synchronous parts of a request run in one thread, as before, which then serves
    another request. There are as many threads as there were simultaneous requests. A thread keeps from one request to
    the next what a thread of any WSGI server keeps (connections, which Django closes after each).
    """
    free: list[ThreadPoolExecutor] = []

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        executor = free.pop() if free else ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")
        try:
            async with ThreadSensitiveContext(executor=executor):
                await application(scope, receive, send)
        except BaseException:
            executor.shutdown(wait=False)  # it may still be running
            raise
        free.append(executor)

    return serve


def close_connections_once() -> None:
    """After a request only, not before it as well: each time needs a thread, a quarter of the cost of the smallest
    request. Connections that a request leaves open are closed with its thread (`kept`); DEBUG's list of queries is not
    used.
    """
    request_started.disconnect(reset_queries)
    request_started.disconnect(close_old_connections)
