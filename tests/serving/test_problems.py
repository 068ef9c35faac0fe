"""Whatever goes wrong in an API, the answer is a problem document."""

import asyncio
import json

import psycopg
import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import InternalError, OperationalError
from django.http import HttpRequest
from django.test import Client
from django.urls import path
from ninja import NinjaAPI, Schema
from redis import TimeoutError as RedisTimeoutError

from serving.problems import MEDIA_TYPE, Problem, install

api = NinjaAPI(urls_namespace="test-problems", docs_url=None, openapi_url=None)
install(api)


class Wish(Schema):
    seats: list[str]
    customer: int


@api.post("/api/wishes")
def wish(request: HttpRequest, payload: Wish) -> Wish:
    return payload


@api.get("/api/fails/{how}")
def fails(request: HttpRequest, how: str) -> None:
    if how == "known":
        raise Problem(409, "Seat taken", "A-15 is taken", headers={"Retry-After": "3"})
    if how == "read-only":
        error = InternalError("cannot execute INSERT in a read-only transaction")
        raise error from psycopg.errors.ReadOnlySqlTransaction()
    if how == "locked":
        raise OperationalError("canceling statement") from psycopg.errors.LockNotAvailable()
    if how == "redis":
        raise RedisTimeoutError("frozen")
    if how == "database":
        raise OperationalError("connection refused")
    raise RuntimeError("the secret inside")


urlpatterns = [path("", api.urls)]
pytestmark = pytest.mark.urls("tests.serving.test_problems")


def post(client: Client, body: str | bytes) -> tuple[int, dict]:
    answer = client.post("/api/wishes", data=body, content_type="application/json")
    if answer.status_code >= 400:
        assert answer["Content-Type"] == MEDIA_TYPE
    return answer.status_code, answer.json()


def test_each_wrong_field_is_pointed_at(client: Client) -> None:
    status, body = post(client, json.dumps({"seats": ["A-1", 5], "customer": "x"}))
    assert (status, body["title"]) == (422, "Invalid request")
    assert [error["pointer"] for error in body["errors"]] == ["#/seats/1", "#/customer"]


@pytest.mark.parametrize(
    "body",
    ["{", "", "[" * 5_000, b"\xff\xfe", '{"seats": NaN', "9" * 5_000],
    ids=["unfinished", "empty", "deep", "not UTF-8", "NaN", "huge number"],
)
def test_malformed_json_is_told_so(client: Client, body: str | bytes) -> None:
    status, _ = post(client, body)
    assert status in (400, 422)


@pytest.mark.parametrize("body", ["[]", "7", "null", '"text"', '{"seats": {}, "customer": []}'])
def test_json_of_another_shape_is_told_so(client: Client, body: str) -> None:
    assert post(client, body)[0] == 422


def test_an_oversized_body_is_refused(client: Client) -> None:
    status, body = post(client, json.dumps({"seats": ["A" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE], "customer": 1}))
    assert (status, body["status"]) == (413, 413)


async def test_an_oversized_body_in_chunks_is_refused_too() -> None:
    """As uvicorn delivers it: no Content-Length, which is what Django goes by."""
    chunks = [b'{"seats": ["'] + [b"A" * 16_384] * 5 + [b'"], "customer": 1}']
    events = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    events.append({"type": "http.request", "body": b"", "more_body": False})
    answers: list[dict] = []

    async def receive() -> dict:
        return events.pop(0) if events else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: dict) -> None:
        answers.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    scope = {
        "type": "http", "method": "POST", "path": "/api/wishes", "raw_path": b"/api/wishes", "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http",
    }  # fmt: skip
    await get_asgi_application()(scope, receive, send)  # type: ignore[arg-type]
    assert answers[0]["status"] == 413
    assert json.loads(answers[1]["body"])["title"] == "Content Too Large"


def test_a_problem_is_answered_as_it_was_raised(client: Client) -> None:
    answer = client.get("/api/fails/known")
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (409, MEDIA_TYPE, "3")
    assert answer.json() == {"type": "about:blank", "title": "Seat taken", "status": 409, "detail": "A-15 is taken"}


def test_a_database_that_is_away_is_a_matter_of_time(client: Client) -> None:
    answer = client.get("/api/fails/database")
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (503, MEDIA_TYPE, "1")


@pytest.mark.parametrize(
    ("how", "words"), [("read-only", "read-only"), ("locked", "locked a row"), ("redis", "Redis does not answer")]
)
def test_other_outages_are_too_and_are_told_apart(client: Client, how: str, words: str) -> None:
    answer = client.get(f"/api/fails/{how}")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert words in answer.json()["detail"]


def test_what_we_did_not_expect_keeps_its_inside(client: Client) -> None:
    answer = client.get("/api/fails/unexpected")
    assert (answer.status_code, answer["Content-Type"]) == (500, MEDIA_TYPE)
    assert b"secret" not in answer.content


@pytest.mark.parametrize(("method", "url", "status"), [("get", "/api/wishes", 405), ("get", "/api/nothing", 404)])
def test_djangos_own_errors_too(client: Client, method: str, url: str, status: int) -> None:
    answer = getattr(client, method)(url)
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE)
