import pytest
from django.db import transaction

from messaging.database import Database
from messaging.outbox.append import Message, OutboxError
from payments.models import Outbox
from tests.messages import new_id, sent

pytestmark = pytest.mark.django_db(databases=["payments"], transaction=True)


def event(**more: object) -> Message:
    return Message(kind="event", type="Paid", data={"amount": 1}, **more)  # type: ignore[arg-type]


def test_appending_outside_a_transaction_is_refused() -> None:
    with pytest.raises(OutboxError, match="outside a transaction"):
        Database.of(Outbox).append(Outbox, [event()])
    assert sent(Outbox) == []


def test_messages_go_with_the_transaction_or_not_at_all() -> None:
    with transaction.atomic(using="payments"):
        Database.of(Outbox).append(Outbox, [event()])
        transaction.set_rollback(True, using="payments")
    assert sent(Outbox) == []
    with transaction.atomic(using="payments"):
        Database.of(Outbox).append(Outbox, [event()])
    assert len(sent(Outbox)) == 1


def test_order_ids_and_transaction_are_kept(django_assert_num_queries) -> None:
    known, cause = new_id(), new_id()
    messages = [event(subject=str(number)) for number in range(50)] + [event(id=known, causation_id=cause, version=3)]
    with transaction.atomic(using="payments"), django_assert_num_queries(1, using="payments"):
        Database.of(Outbox).append(Outbox, messages)
    rows = sent(Outbox)
    assert [row.subject for row in rows[:-1]] == [str(number) for number in range(50)]
    assert (str(rows[-1].id), str(rows[-1].causation_id), rows[-1].version) == (known, cause, 3)
    assert len({row.id for row in rows}) == 51
    assert len({row.xid for row in rows}) == 1
    assert all(row.horizon <= row.xid for row in rows)


def test_a_reply_may_be_given_again_with_its_id() -> None:
    known = new_id()
    for _ in range(2):
        with transaction.atomic(using="payments"):
            Database.of(Outbox).append(Outbox, [event(id=known)])
    assert [str(row.id) for row in sent(Outbox)] == [known, known]
