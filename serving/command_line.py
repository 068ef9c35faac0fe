"""How a command calls the front door: the sandbox's URL, the operator token, and error messages for refusals."""

import os
from typing import Any

import httpx
from django.core.management.base import CommandError, CommandParser

NO_ANSWER = 3  # exit status of a command that could not get its answer


def add_url(parser: CommandParser) -> None:
    parser.add_argument("--url", default="", help="the sandbox; default http://127.0.0.1:$PORT")


def add_token(parser: CommandParser) -> None:
    parser.add_argument(
        "--token", default=os.environ.get("OPERATOR_TOKEN", ""), help="operator token, needed from another machine"
    )


def base_url(options: dict[str, Any]) -> str:
    """The value of --url, else this machine's sandbox at PORT. Raises CommandError with status NO_ANSWER for what is no URL."""
    url = options["url"] or os.environ.get("API_URL_WEB") or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    try:
        whole = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise CommandError(f"{url!r} is no URL: {error}", returncode=NO_ANSWER) from error
    if whole.scheme not in ("http", "https") or not whole.host:
        raise CommandError(f"{url!r} is no URL of a sandbox, such as http://127.0.0.1:8000", returncode=NO_ANSWER)
    return str(url)


def headers(options: dict[str, Any]) -> dict[str, str]:
    """Those that authenticate an operator, if --token was given."""
    return {"Authorization": f"Bearer {options['token']}"} if options["token"] else {}


def document(base: str, path: str) -> dict[str, Any]:
    """The JSON at `path`. Raises CommandError with status NO_ANSWER."""
    try:
        answer = httpx.get(f"{base}{path}", timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
    except httpx.HTTPStatusError as error:
        raise CommandError(f"{base} answered {error.response.status_code}", returncode=NO_ANSWER) from error
    except (httpx.HTTPError, ValueError) as error:
        raise CommandError(
            f"no sandbox answers at {base} ({error}); is `make run` up?", returncode=NO_ANSWER
        ) from error
    return found


def refusal(answer: httpx.Response) -> str:
    """The text of a problem document, or the status if the answer is not one."""
    try:
        problem = answer.json()
        return f"{problem['title']}: {problem['detail']}"
    except (ValueError, KeyError):
        return f"the front door answered {answer.status_code}"
