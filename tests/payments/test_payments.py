"""Taking and giving back money through the service's front gate."""

import pytest
from django.db import IntegrityError, transaction
from redis import Redis

from faults import Mechanism, arm, switch
from faults.toggles import TOGGLES
from payments.commands import handle
from payments.contract import PaymentMethod, RefundPayment, TakePayment
from payments.models import DeadLetter, Outbox, Payment, Refund
from payments.models import PaymentMethod as Method
from tests.messages import command, new_id, replies, sent

pytestmark = [pytest.mark.django_db(databases=["payments"]), pytest.mark.usefixtures("redis")]


def take(booking: str = "", saga: str = "", method: str = "tok_visa") -> dict:
    body = TakePayment(
        booking_id=booking or new_id(),
        customer_id=123,
        amount=150_000,
        currency="KRW",
        payment_method=PaymentMethod(method),
    )
    return command(body, saga=saga)


def refund(booking: str, saga: str) -> dict:
    return command(RefundPayment(booking_id=booking), saga=saga)


def test_every_token_of_the_contract_is_a_row() -> None:
    assert {row.token for row in Method.objects.all()} == {str(method) for method in PaymentMethod}


def test_a_payment_is_recorded_answered_and_told() -> None:
    booking = new_id()
    handle([take(booking)])
    payment = Payment.objects.get()
    assert (str(payment.booking_id), payment.amount, payment.currency, payment.status) == (
        booking, 150_000, "KRW", "COMPLETED",
    )  # fmt: skip
    event = sent(Outbox, "event")[0]
    assert (event.type, event.subject, event.version) == ("PaymentCompleted", str(payment.pk), 1)
    assert event.data == {
        "id": str(payment.pk), "booking_id": booking, "customer_id": 123, "amount": 150_000, "currency": "KRW",
        "status": "COMPLETED", "reason": "", "refund": None,
    }  # fmt: skip
    assert replies(Outbox) == [("succeeded", "")]


@pytest.mark.parametrize(
    ("method", "reason"), [("tok_declined", "card_declined"), ("tok_insufficient_funds", "insufficient_funds")]
)
def test_a_declined_payment_is_a_fact_too(method: str, reason: str) -> None:
    handle([take(method=method)])
    payment = Payment.objects.get()
    assert (payment.status, payment.reason) == ("DECLINED", reason)
    assert [row.type for row in sent(Outbox)] == ["PaymentDeclined", "TakePaymentReply"]
    assert replies(Outbox) == [("refused", reason)]


def test_an_armed_refusal_declines_one_card(redis: Redis) -> None:
    arm(redis, TOGGLES["card_declined"].fault())
    handle([take()])
    handle([take()])
    assert replies(Outbox) == [("refused", "card_declined"), ("succeeded", "")]
    assert [payment.status for payment in Payment.objects.order_by("pk")] == ["DECLINED", "COMPLETED"]


def test_a_refund_gives_the_whole_amount_back_once() -> None:
    booking, saga = new_id(), new_id()
    handle([take(booking, saga)])
    handle([refund(booking, saga)])
    handle([refund(booking, saga)])
    payment, given = Payment.objects.get(), Refund.objects.get()
    assert (payment.status, payment.version, given.amount) == ("REFUNDED", 2, 150_000)
    event = sent(Outbox, "event")[-1]
    assert (event.type, event.version) == ("PaymentRefunded", 2)
    assert event.data["refund"] == {"id": str(given.pk), "amount": 150_000}
    assert replies(Outbox) == [("succeeded", "")] * 3


def test_nothing_is_given_back_of_a_declined_payment() -> None:
    booking, saga = new_id(), new_id()
    handle([take(booking, saga, "tok_declined")])
    handle([refund(booking, saga)])
    assert not Refund.objects.exists()
    assert replies(Outbox) == [("refused", "card_declined"), ("succeeded", "")]


def test_a_refund_before_its_payment_fences_it() -> None:
    booking, saga = new_id(), new_id()
    handle([refund(booking, saga)])
    handle([take(booking, saga)])
    assert not Payment.objects.exists()
    assert replies(Outbox) == [("succeeded", ""), ("refused", "fenced")]


def test_control_without_the_barrier_late_money_is_taken_and_kept(redis: Redis) -> None:
    switch(redis, Mechanism.BARRIER, off=True)
    booking, saga = new_id(), new_id()
    handle([refund(booking, saga)])
    handle([take(booking, saga)])
    assert Payment.objects.get().status == "COMPLETED"


def test_control_without_the_barrier_only_the_last_guard_stops_a_second_payment(redis: Redis) -> None:
    switch(redis, Mechanism.BARRIER, off=True)
    envelope = take()
    handle([envelope])
    handle([envelope])
    assert "IntegrityError" in DeadLetter.objects.get().attempts[0]["error"]
    assert Payment.objects.count() == 1


def test_an_unknown_token_is_a_dead_letter_and_takes_nothing() -> None:
    envelope = take()
    envelope["data"]["payment_method"] = "tok_stolen"
    handle([envelope, take()])
    assert "payment_method" in DeadLetter.objects.get().attempts[0]["error"]
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("changes", [{"amount": -1}, {"status": "LOST"}, {"status": "DECLINED"}, {"reason": "x"}])
def test_the_database_refuses_what_makes_no_sense(changes: dict) -> None:
    handle([take()])
    with pytest.raises(IntegrityError), transaction.atomic(using="payments"):
        Payment.objects.update(**changes)


@pytest.mark.usefixtures("no_letters")
@pytest.mark.parametrize("count", [1, 50])
def test_the_number_of_statements_does_not_depend_on_the_batch(count: int, django_assert_num_queries) -> None:
    bookings = [(new_id(), new_id()) for _ in range(count)]
    # savepoint, keys, methods, payments, answers and outbox, release of the savepoint
    with django_assert_num_queries(6, using="payments"):
        handle([take(booking, saga) for booking, saga in bookings])
    # savepoint, forward keys (taken and found), keys, payments, refunds, answers and outbox, release
    with django_assert_num_queries(8, using="payments"):
        handle([refund(booking, saga) for booking, saga in bookings])
    assert Refund.objects.count() == count
