"""What is an outage, and what can be a message's own fault: judged in one place, by SQLSTATE."""

from types import SimpleNamespace

import psycopg
import pytest
from django.db import DataError, Error, InternalError, OperationalError, ProgrammingError
from redis import exceptions as redis_errors

from messaging.process.outage import is_away, is_locked, is_passing, may_be_caused_by_content, patiently


def wrapped(state: str, kind: type[Error] = InternalError) -> Error:
    """An error with this SQLSTATE as Django wraps it, in a class of its choice."""
    error = kind("as Django wraps it")
    error.__cause__ = psycopg.errors.lookup(state)()
    return error


@pytest.mark.parametrize(
    "state",
    ["08006", "25006",
      "25P03", "40001", "40P01", "53100", "53200", "53300", "55006", "55P03", "57014", "57P01", "57P03", "58030"],
)  # fmt: skip
def test_an_outage_is_no_messages_fault_whatever_its_class(state: str) -> None:
    for kind in (InternalError, OperationalError):
        assert is_passing(wrapped(state, kind))
        assert not may_be_caused_by_content(wrapped(state, kind))


@pytest.mark.parametrize("state", ["21000", "22001", "22021", "22P02", "23505", "23514", "54000", "54001", "P0001"])
def test_what_content_can_cause_is_no_outage(state: str) -> None:
    for kind in (DataError, OperationalError):  # OperationalError is what psycopg makes of 54
        assert not is_passing(wrapped(state, kind))
        assert may_be_caused_by_content(wrapped(state, kind))


@pytest.mark.parametrize("state", ["42P01", "42501", "42703", "XX000", "XX001", "XX002", "0A000", "3F000"])
def test_what_is_wrong_with_the_database_is_neither(state: str) -> None:
    assert not is_passing(wrapped(state, ProgrammingError))
    assert not may_be_caused_by_content(wrapped(state, ProgrammingError))


def test_a_server_that_says_nothing_is_away() -> None:
    for error in (OperationalError("no connection"), psycopg.OperationalError("no connection")):
        assert is_passing(error)
        assert is_away(error)
        assert not may_be_caused_by_content(error)
    for mistake in (ValueError("no uuid"), KeyError("x"), DataError("NUL"), RecursionError()):
        assert not is_passing(mistake)
        assert may_be_caused_by_content(mistake)
    assert not may_be_caused_by_content(OSError(28, "No space left on device"))


def test_a_lock_and_a_lost_race_concern_one_transaction() -> None:
    assert is_locked(wrapped("55P03", OperationalError))
    assert not is_away(wrapped("55P03"))
    assert not is_away(wrapped("40P01"))
    assert is_away(wrapped("25006"))


@pytest.mark.parametrize(
    "error",
    [
        redis_errors.ConnectionError("gone"), redis_errors.TimeoutError(), redis_errors.BusyLoadingError("loading"),
        redis_errors.ReadOnlyError("a replica"), redis_errors.OutOfMemoryError("maxmemory"),
        redis_errors.ResponseError("MISCONF Redis is configured to save RDB snapshots"),
        redis_errors.ResponseError("BUSY Redis is busy running a script"),
    ],
)  # fmt: skip
def test_redis_has_outages_too(error: Exception) -> None:
    assert is_passing(error)
    assert not may_be_caused_by_content(error)


def test_a_wrong_question_to_redis_is_none() -> None:
    assert not is_passing(redis_errors.ResponseError("WRONGTYPE Operation against a key"))
    assert not is_passing(redis_errors.DataError("None"))


def test_what_is_passing_is_tried_again_and_nothing_else() -> None:
    told = SimpleNamespace(times=0, between=0)

    def work() -> str:
        told.times += 1
        if told.times < 3:
            raise wrapped("25006")
        return "done"

    def closed() -> None:
        told.between += 1

    assert patiently(work, 5, closed) == "done"
    assert (told.times, told.between) == (3, 2)
    with pytest.raises(InternalError):
        patiently(lambda: (_ for _ in ()).throw(wrapped("25006")), 0)
    with pytest.raises(ValueError, match="own"):
        patiently(lambda: (_ for _ in ()).throw(ValueError("its own")), 5)
