"""Gets events that a stream may have lost from a service's event API: `GET <api>/api/<source>/events?after=<horizon>`."""

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from topology.tuning import Count

PAGE: Count = 1000  # events that are asked for at once
SMALLEST_PAGE: Count = 20  # the same for an API that does not answer in time
TIMEOUT = httpx.Timeout(10.0, connect=1.0)


class EventApiError(RuntimeError):
    """The source's event API did not return a page: it is down, refused, or answered something else. The text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a source's event log: the events of transactions from `after` on, up to `horizon`.

    `xmax`: all transactions committed when the page was read are below it. `more`: there is another page.
    """

    after: int
    events: list[Any]
    horizon: int
    xmax: int
    more: bool


class EventApi:
    """One source's event log, over HTTP. Keeps its connection."""

    def __init__(self, source: str, base_url: str) -> None:
        self.source = source
        self._client = httpx.Client(base_url=base_url, timeout=TIMEOUT)
        self._limit = PAGE

    def page(self, after: int) -> Page:
        """The page that begins at transaction `after`. Raises EventApiError.

        After a source took too long, the next page is smaller: otherwise a busy source might never finish one.
        """
        try:
            params = {"after": str(after), "limit": str(self._limit)}
            response = self._client.get(f"/api/{self.source}/events", params=params)
            response.raise_for_status()
            answer = orjson.loads(response.content)
            self._limit = min(self._limit * 2, PAGE)
            return Page(
                after=after,
                events=list(answer["events"]),
                horizon=int(answer["horizon"]),
                xmax=int(answer["xmax"]),
                more=bool(answer["more"]),
            )
        except (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError) as error:
            if isinstance(error, httpx.ReadTimeout):
                self._limit = max(self._limit // 4, SMALLEST_PAGE)
            raise EventApiError(f"{self.source}'s event log after {after}: {error!r}") from error

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of a request for `source`; `doubts` is the number that the request came with."""

    source: str
    doubts: int
    outcome: Page | EventApiError


class Fetcher:
    """Fetches pages in the background of the reader's loop, so that a source that hangs delays no other. Threads are
    daemons: a process that has to stop does not wait for an API that does not answer.
    """

    def __init__(self, apis: Mapping[str, EventApi]) -> None:
        self._apis = apis
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def ask(self, source: str, after: int, doubts: int) -> None:
        """Fetch a page in the background. The caller makes at most one request per source at a time."""
        threading.Thread(
            target=self._fetch, args=(source, after, doubts), name=f"catch-up-{source}", daemon=True
        ).start()

    def answers(self) -> list[Answer]:
        """The answers that have arrived since the last call."""
        found = []
        while not self._answers.empty():
            found.append(self._answers.get())
        return found

    def close(self) -> None:
        for api in self._apis.values():
            api.close()

    def _fetch(self, source: str, after: int, doubts: int) -> None:
        outcome: Page | EventApiError
        try:
            outcome = self._apis[source].page(after)
        except EventApiError as error:
            outcome = error
        except Exception as error:  # a thread that dies silently would leave its source waiting for ever
            outcome = EventApiError(f"{source}'s event log after {after}: {error!r}")
        self._answers.put(Answer(source=source, doubts=doubts, outcome=outcome))
