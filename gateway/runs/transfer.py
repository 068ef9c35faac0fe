"""Files of any size between a browser and the process api-journal, a chunk at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

import httpx
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from gateway.clients import JOURNAL, ServiceDown, as_it_is
from gateway.people.operator import check_operator
from gateway.runs.masking import mask_file
from journal.archive.lines import MEDIA_TYPE, SUFFIX
from serving.in_one_thread import Streams
from serving.problems import Problem
from topology.tuning import Bytes

CHUNK: Bytes = 256 * 1024  # of a file, read at a time
MASKED = Streams("exports of visitors", 2)  # each needs a thread, and processor time, until it is read
PATIENT = httpx.Timeout(None, connect=1.0)  # a gigabyte may take long


async def download(path: str) -> HttpResponse | StreamingHttpResponse:
    """Pass on what api-journal streams. Raises ServiceDown."""
    client = httpx.AsyncClient(timeout=PATIENT)
    try:
        answer = await client.send(client.build_request("GET", settings.API_URLS[JOURNAL] + path), stream=True)
    except httpx.HTTPError as error:
        await client.aclose()
        raise ServiceDown(JOURNAL, error) from error
    if answer.status_code != 200:
        await answer.aread()
        await client.aclose()
        return as_it_is(answer)
    response = StreamingHttpResponse(_Rest(client, answer), content_type=answer.headers.get("content-type"))
    response["Content-Disposition"] = answer.headers["content-disposition"]
    # Django's GZipMiddleware makes a gzip file of each chunk, of which browsers unpack the first and drop the rest.
    response["Content-Encoding"] = "identity"
    return response


async def download_masked(path: str, run: str, bookings: frozenset[str]) -> HttpResponse | StreamingHttpResponse:
    """The same for a visitor, whose bookings these are. Raises ServiceDown, and Problem 503 where many do that already."""
    steps = MASKED.start(lambda: _masked(path, run, bookings))
    try:
        await steps.begin()
    except _RefusedError as refused:
        return as_it_is(refused.answer)
    response = StreamingHttpResponse(steps, content_type=MEDIA_TYPE)
    response["Content-Disposition"] = f'attachment; filename="run-{run}{SUFFIX}"'
    response["Content-Encoding"] = "identity"
    return response


class _RefusedError(Exception):
    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def _masked(path: str, run: str, bookings: frozenset[str]) -> Iterator[bytes]:
    try:
        with httpx.stream("GET", settings.API_URLS[JOURNAL] + path, timeout=PATIENT) as answer:
            if answer.status_code != 200:
                answer.read()
                raise _RefusedError(answer)
            yield from mask_file(answer.iter_raw(), run, bookings)
    except httpx.HTTPError as error:
        raise ServiceDown(JOURNAL, error) from error


class _Rest:
    """The rest of an answer, chunk by chunk. If api-journal dies meanwhile, the download breaks off, without its
    trailer. Django calls `close` when the response is over, even if its reader has gone; api-journal then notices, and
    ends the export.
    """

    def __init__(self, client: httpx.AsyncClient, answer: httpx.Response) -> None:
        self._client, self._answer = client, answer
        self._chunks: Any = answer.aiter_raw()
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk: bytes = await anext(self._chunks)
        return chunk

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop)

    async def _close(self) -> None:
        await self._chunks.aclose()
        await self._answer.aclose()
        await self._client.aclose()


def brings_a_run(scope: Any) -> bool:
    """Whether this request may have a body of any size: an operator's import. Raises Problem for any other client's."""
    if (scope["method"], scope["path"]) != ("POST", "/api/runs/import"):
        return False
    try:
        check_operator(ASGIRequest(scope, BytesIO()))
    except (SuspiciousOperation, UnicodeDecodeError) as error:  # an unknown host, a URL that is not text
        raise Problem(400, "", "the request cannot be read") from error
    return True


def upload(request: HttpRequest, path: str, id: str) -> HttpResponse:
    """Pass the request's body on, which Django keeps in a file, and then the answer. Raises ServiceDown."""
    headers = {"Authorization": f"Bearer {settings.OPERATOR_TOKEN}", "Content-Type": "application/x-ndjson"}
    if "Content-Length" in request.headers:
        headers["Content-Length"] = request.headers["Content-Length"]
    try:
        answer = httpx.post(
            settings.API_URLS[JOURNAL] + path,
            params={"id": id},
            content=_chunks(request),
            headers=headers,
            timeout=PATIENT,
        )
    except httpx.HTTPError as error:
        raise ServiceDown(JOURNAL, error) from error
    return HttpResponse(answer.content, status=answer.status_code, content_type=answer.headers.get("content-type"))


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(CHUNK):
        yield chunk
