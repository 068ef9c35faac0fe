"""Threads of synchronous views: one a request at a time, kept from one request to the next."""

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from config.threads import kept

SCOPE: dict[str, Any] = {"type": "http"}


async def nothing(*unused: Any) -> None: ...


def test_a_request_is_served_by_the_thread_of_the_one_before() -> None:
    seen: list[int] = []

    async def application(*unused: Any) -> None:
        for _ in range(2):
            seen.append(await sync_to_async(threading.get_ident)())

    async def both() -> None:
        serve = kept(application)
        await serve(SCOPE, nothing, nothing)
        await serve(SCOPE, nothing, nothing)

    asyncio.run(both())
    assert len(seen) == 4
    assert len(set(seen)) == 1
    assert seen[0] != threading.get_ident()


def test_requests_at_once_do_not_wait_for_each_other() -> None:
    together = threading.Barrier(3, timeout=10)  # broken, and so an error, if one waits for another's thread

    async def application(*unused: Any) -> None:
        await sync_to_async(together.wait)()

    async def three() -> None:
        serve = kept(application)
        await asyncio.gather(*(serve(SCOPE, nothing, nothing) for _ in range(3)))

    asyncio.run(three())


def test_a_thread_that_may_still_be_at_work_serves_nobody_else() -> None:
    at_work, go_on = threading.Event(), threading.Event()
    left_behind: list[asyncio.Task[None]] = []
    served: list[int] = []

    def work() -> None:
        at_work.set()
        go_on.wait(10)

    async def application(scope: Any, *unused: Any) -> None:
        if scope["path"] == "/slow":
            left_behind.append(asyncio.create_task(sync_to_async(work)()))
            await asyncio.to_thread(at_work.wait, 10)
            raise OSError("the client has gone")
        await sync_to_async(served.append)(1)

    async def one_after_the_other() -> None:
        serve = kept(application)
        with pytest.raises(OSError, match="gone"):
            await serve({**SCOPE, "path": "/slow"}, nothing, nothing)
        await asyncio.wait_for(serve({**SCOPE, "path": "/"}, nothing, nothing), 5)
        assert not go_on.is_set()
        go_on.set()
        await left_behind[0]

    asyncio.run(one_after_the_other())
    assert served == [1]
