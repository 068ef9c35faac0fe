"""Files of any size between a browser and the process api-journal, a chunk at a time."""

from collections.abc import AsyncIterator, Iterator

import httpx
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from dashboard.clients import ServiceDown

CHUNK = 256 * 1024
PATIENT = httpx.Timeout(None, connect=1.0)  # a gigabyte takes as long as it takes


async def download(path: str) -> HttpResponse | StreamingHttpResponse:
    """Pass on what api-journal streams. Raises ServiceDown."""
    client = httpx.AsyncClient(timeout=PATIENT)
    try:
        answer = await client.send(client.build_request("GET", settings.API_URLS["journal"] + path), stream=True)
    except httpx.HTTPError as error:
        await client.aclose()
        raise ServiceDown("journal", error) from error
    if answer.status_code != 200:
        content = await answer.aread()
        await client.aclose()
        return HttpResponse(content, status=answer.status_code, content_type=answer.headers.get("content-type"))
    response = StreamingHttpResponse(_rest(client, answer), content_type=answer.headers.get("content-type"))
    response["Content-Disposition"] = answer.headers["content-disposition"]
    # Django's GZipMiddleware makes a gzip file of each chunk, of which browsers unpack the first and drop the rest.
    response["Content-Encoding"] = "identity"
    return response


async def _rest(client: httpx.AsyncClient, answer: httpx.Response) -> AsyncIterator[bytes]:
    """If api-journal dies on the way the download breaks off, and lacks its trailer."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
        await client.aclose()


def upload(request: HttpRequest, path: str, id: str) -> HttpResponse:
    """Pass the request's body on, which Django keeps in a file, and then the answer. Raises ServiceDown."""
    headers = {"Authorization": f"Bearer {settings.OPERATOR_TOKEN}", "Content-Type": "application/x-ndjson"}
    if "Content-Length" in request.headers:
        headers["Content-Length"] = request.headers["Content-Length"]
    try:
        answer = httpx.post(
            settings.API_URLS["journal"] + path,
            params={"id": id},
            content=_chunks(request),
            headers=headers,
            timeout=PATIENT,
        )
    except httpx.HTTPError as error:
        raise ServiceDown("journal", error) from error
    return HttpResponse(answer.content, status=answer.status_code, content_type=answer.headers.get("content-type"))


def _chunks(request: HttpRequest) -> Iterator[bytes]:
    while chunk := request.read(CHUNK):
        yield chunk
