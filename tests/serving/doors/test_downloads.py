"""A download through the front door: when its reader goes, the front door lets go of the process that makes the file."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from django.http import StreamingHttpResponse
from pytest_django import Settings

from gateway.runs.transfer import download
from tests.waiting import wait_until


class Upstream:
    """Stands where api-journal stands, over real HTTP: a file without an end at "/export", too many at once at "/full"."""

    def __init__(self) -> None:
        self.asked, self.left = threading.Event(), threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/full":
            headers = [(b"retry-after", b"5"), (b"content-type", b"application/problem+json")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"title": "Too many at once"}'})
            return
        headers = [(b"content-disposition", b"attachment"), (b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.ensure_future(self._gone(receive))
        self.asked.set()
        while not gone.done():
            await asyncio.wait({gone, asyncio.ensure_future(self._part(send))}, return_when=asyncio.FIRST_COMPLETED)
        self.left.set()

    async def _gone(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _part(self, send: Any) -> None:
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})


@pytest.fixture
def upstream(settings: Settings) -> Iterator[Upstream]:
    application = Upstream()
    config = uvicorn.Config(application, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        wait_until(lambda: server.started, 10, "uvicorn")
        port = server.servers[0].sockets[0].getsockname()[1]
        settings.API_URLS = {**settings.API_URLS, "journal": f"http://127.0.0.1:{port}"}
        yield application
    finally:
        server.should_exit = True
        thread.join(20)


def test_the_journal_is_let_go_of_when_the_reader_goes(upstream: Upstream) -> None:
    """Else each closed tab would keep a transaction and one of few connections there for good."""

    async def read() -> None:
        response = await download("/export")
        assert isinstance(response, StreamingHttpResponse)
        assert (await anext(aiter(response))).startswith(b"x")
        assert not upstream.left.is_set()
        response.close()  # as Django does when its response is over, however that came about
        await asyncio.to_thread(wait_until, upstream.left.is_set, 5, "the download to be given up")

    asyncio.run(read())


def test_one_that_is_one_too_many_is_told_when_to_come_again(upstream: Upstream) -> None:
    answer = asyncio.run(download("/full"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"
