import threading

import pytest
from django.db import connections

from messaging.database import Database
from messaging.envelope import FORWARD
from messaging.inbox import barrier
from messaging.inbox.barrier import Key
from payments.models import Barrier
from tests.messages import new_id
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(databases=["payments"], transaction=True)
DB = Database("payments")


def keys(count: int) -> list[Key]:
    return [Key(new_id(), "Charge", FORWARD) for _ in range(count)]


def take(*wanted: Key, **values: object) -> dict[Key, barrier.Row]:
    with DB.atomic():
        return barrier.take(DB, Barrier, wanted, ["b"] * len(wanted), **values)  # type: ignore[arg-type]


def test_a_free_key_is_taken_and_then_found() -> None:
    (key,) = keys(1)
    first, second = take(key)[key], take(key)[key]
    assert (first.fresh, second.fresh) == (True, False)
    assert first.id == second.id


def test_a_found_key_brings_its_answer() -> None:
    one, other = keys(2)
    with DB.atomic():
        rows = barrier.take(DB, Barrier, [one, other], ["b", "b"])
        barrier.answer(DB, Barrier, [(rows[one].id, "succeeded", {"status": "succeeded", "amount": 5})])
    found = take(one, other)
    assert (found[one].state, found[one].reply) == ("succeeded", {"status": "succeeded", "amount": 5})
    assert (found[other].state, found[other].reply) == ("taken", None)


def test_a_key_may_be_taken_with_its_answer() -> None:
    (key,) = keys(1)
    take(key, state="fenced", reply={"status": "refused"})
    assert take(key, state="fenced", reply={"status": "another"})[key].reply == {"status": "refused"}


def test_no_keys_no_statement(django_assert_num_queries) -> None:
    with DB.atomic(), django_assert_num_queries(0, using="payments"):
        assert barrier.take(DB, Barrier, [], []) == {}
        barrier.answer(DB, Barrier, [])


def test_who_comes_second_waits_for_the_first_and_reads_her_answer() -> None:
    """Without waiting, and without a snapshot taken after it, the second would find nothing to answer with."""
    (key,) = keys(1)
    found: dict[Key, barrier.Row] = {}

    def second() -> None:
        try:
            found.update(take(key))
        finally:
            connections["payments"].close()

    thread = threading.Thread(target=second)
    with DB.atomic():
        row = barrier.take(DB, Barrier, [key], ["b"])[key]
        barrier.answer(DB, Barrier, [(row.id, "succeeded", {"status": "succeeded"})])
        thread.start()
        wait_until(_somebody_waits, 10, "the second to wait for the key")
    thread.join(10)
    assert (found[key].fresh, found[key].id, found[key].reply) == (False, row.id, {"status": "succeeded"})


def test_batches_with_the_same_keys_in_any_order_do_not_deadlock() -> None:
    wanted = keys(200)
    takers = [
        threading.Thread(target=_take_and_close, args=(order,))
        for order in (wanted, wanted[::-1], wanted[100:] + wanted[:100])
    ]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join(30)
    assert Barrier.objects.count() == 200


def _take_and_close(wanted: list[Key]) -> None:
    try:
        take(*wanted)
    finally:
        connections["payments"].close()


def _somebody_waits() -> bool:
    with connections["payments"].cursor() as cursor:
        cursor.execute("select exists (select from pg_locks where not granted)")
        return cursor.fetchone()[0]
