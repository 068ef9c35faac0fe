"""Requests that an OpenAPI document allows, and requests that it forbids, by schemathesis and hypothesis: no answer is a 5xx."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

MEANT = "X-Injected-Fault"  # a 503 that a fault gives on purpose
BREAKS = ("/api/faults", "/api/mechanisms", "/api/operator", "/dead-letters")
"""Paths whose valid requests change the sandbox itself: these get only requests that their document forbids."""
SLOW_BY_RIGHT = ("/readyz",)  # answers 503 while something is not ready, as intended


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """An upload that is not JSON but lines of it: one line a value, or bytes as they come."""
    if isinstance(value, bytes):
        return value
    return "".join(
        f"{json.dumps(one, default=str)}\n" for one in (value if isinstance(value, list) else [value])
    ).encode()


@dataclass(kw_only=True)
class Outcome:
    """`statuses`: the number of answers by status; `accepted`: the content of 2xx answers to writes; `failures`: what
    must not happen."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    accepted: list[tuple[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.cases += other.cases
        self.statuses += other.statuses
        self.accepted += other.accepted
        self.failures += other.failures


def attack(
    url: str, cases: int, number: int, repair: Callable[[], Any] = lambda: None, progress: Any = None
) -> Outcome:
    """Send `cases` requests, shared among the operations of the API at `url`. `repair()` is called after one that
    changed the sandbox."""
    outcome = Outcome()
    document = httpx.get(f"{url}/api/openapi.json", timeout=30).raise_for_status().json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    for position, operation in enumerate(operations):
        share = cases // len(operations) + (position < cases % len(operations))
        modes = [GenerationMode.NEGATIVE] if any(one in operation.path for one in BREAKS) else list(GenerationMode)
        for turn, mode in enumerate(modes):
            wanted = share // len(modes) + (turn < share % len(modes))
            if wanted:
                _play(operation, mode, wanted, number, outcome, repair, progress)
    return outcome


def _play(operation: Any, mode: Any, count: int, number: int, outcome: Outcome, repair: Any, progress: Any) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        outcome.cases += 1
        try:
            answer = case.call(timeout=30)
        except (requests.RequestException, ValueError) as error:  # or what no client can put on the wire
            if isinstance(error, requests.ConnectionError | requests.Timeout):
                outcome.failures.append(
                    f"{operation.label}: no answer ({type(error).__name__}): {case.as_curl_command()}"
                )
            return
        outcome.statuses[answer.status_code] += 1
        meant = answer.headers.get(MEANT.lower()) or operation.path in SLOW_BY_RIGHT
        if answer.status_code >= 500 and not meant:
            outcome.failures.append(f"{operation.label}: {answer.status_code}: {case.as_curl_command()}")
        if answer.status_code < 300 and case.method != "GET":
            outcome.accepted.append((operation.label, answer.json()))
            if any(one in operation.path for one in BREAKS):
                repair()
        if progress:
            progress()

    try:
        send()
    except Exception as error:  # what schemathesis cannot generate for this operation is no fault of the house
        if "Unsatisfiable" not in type(error).__name__:
            raise
