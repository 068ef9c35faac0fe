"""Odd headers, addresses, methods, encodings and forms at the real doors, byte by byte: never a 5xx."""

from collections.abc import Iterator

import pytest

from tests.flow.doors.odd import TABLES, forms_table
from tests.flow.doors.raw import Case, send, session
from tests.live import Live

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(autouse=True)
def nothing_begun(live: Live) -> Iterator[None]:
    """What stays armed, or runs on, would strike the tests behind."""
    yield
    running = live.http.get("/matrix").text
    live.http.delete("/api/faults")
    assert "<b>Running.</b>" not in running


def bad(url: str, case: Case) -> str:
    """What must not be about the answer to this case; "" if it is well."""
    method, path, headers, body = case
    try:
        answer = send(url, method, path, headers, body)
    except OSError as error:
        return f"{method} {path[:80]!r} {headers} {body[:60]!r}: {error!r}"
    if answer.status >= 500 or not answer.status:
        return f"{answer.status} {method} {path[:80]!r} {headers} {body[:60]!r}: {answer.body[:200]!r}"
    return ""


def sample(cases: Iterator[Case], count: int = 150) -> list[Case]:
    """Spread over the table, so that each row and each column has some."""
    found = list(cases)
    step = max(len(found) // count, 1)
    return found[:: step + (step > 1 and step % 2 == 0)]


@pytest.mark.parametrize("table", TABLES)
def test_nothing_odd_is_our_mistake(live: Live, table: str) -> None:
    assert [found for case in sample(TABLES[table]()) if (found := bad(live.url, case))] == []


def test_no_odd_form_is_our_mistake(live: Live) -> None:
    assert [found for case in sample(forms_table(session(live))) if (found := bad(live.url, case))] == []


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_none_of_all_the_odd_requests_is_our_mistake(live: Live) -> None:
    cases = [case for table in TABLES.values() for case in table()] + list(forms_table(session(live)))
    assert [found for case in cases if (found := bad(live.url, case))] == []
