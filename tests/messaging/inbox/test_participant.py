"""What the barrier is for: exactly one effect per command, whatever arrives, how often and in which order."""

from typing import Any

import pytest
from redis import Redis

from faults import Mechanism, Plan, switch
from messaging.database import Database
from messaging.inbox.declarations import Batch, Compensation, Event, Fence, Forward, Outcome, Request, Retriable
from messaging.inbox.participant import Participant
from messaging.message import Body
from payments.models import Barrier, Outbox
from tests.messages import command, new_id, replies, sent

pytestmark = pytest.mark.django_db(databases=["payments"])


class Charge(Body):
    booking_id: str
    refuse: bool = False


class Uncharge(Body):
    booking_id: str
    refuse: bool = False


class FenceCharge(Body):
    booking_id: str


class Ledger:
    """A business of two handlers which only note that they acted."""

    def __init__(self) -> None:
        self.acted: list[str] = []

    def charge(self, batch: Batch) -> list[Outcome]:
        return [self._charge(request) for request in batch.requests]

    def uncharge(self, batch: Batch) -> list[Outcome]:
        done = [request for request in batch.requests if not request.command.refuse]
        self.acted += [f"uncharge {request.command.booking_id}" for request in done]
        return [Outcome() if request in done else Outcome.refused("bank_closed") for request in batch.requests]

    def _charge(self, request: Request) -> Outcome:
        if request.command.refuse:
            return Outcome.refused("card_declined")
        self.acted.append(f"charge {request.command.booking_id}")
        return Outcome(
            result={"receipt": 7}, events=(Event("Charged", request.command.booking_id, 1, {"full": "state"}),)
        )


class Side:
    """A participant over Payment's tables, spoken to in batches."""

    def __init__(self, redis: Redis) -> None:
        self.ledger = Ledger()
        self.redis = redis
        self.participant = Participant(
            service="payments",
            outbox=Outbox,
            barrier=Barrier,
            redis=lambda: redis,
            commands=(
                Forward(Charge, self.ledger.charge),
                Compensation(Uncharge, self.ledger.uncharge, of=Charge),
                Fence(FenceCharge, of=Charge),
                Retriable(Uncharge, self.ledger.uncharge),
            ),
        )

    def take(self, *envelopes: dict) -> None:
        db = Database("payments")
        with db.atomic():
            self.participant.process(db, envelopes, Plan(self.redis, "payments").refresh())

    def observed(self) -> list[str]:
        entries: Any = self.redis.xrange("observations")
        return [entry[b"o"].decode() for _, entry in entries]


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


SAGA = "0198c0de-0000-7000-8000-000000000001"


def charge(saga: str = SAGA, **more: object) -> dict:
    return command(Charge(booking_id="b1", **more), saga=saga)  # type: ignore[arg-type]


def uncharge(saga: str = SAGA, action: str = "compensation", **more: bool) -> dict:
    return command(Uncharge(booking_id="b1", **more), saga=saga, sagaaction=action)


def fence(saga: str = SAGA) -> dict:
    return command(FenceCharge(booking_id="b1"), saga=saga)


def test_a_command_acts_and_answers_in_one_go(side: Side) -> None:
    envelope = charge()
    side.take(envelope)
    event, reply = sent(Outbox)
    assert (event.kind, event.type, event.subject, event.version) == ("event", "Charged", "b1", 1)
    assert (reply.kind, reply.type, reply.destination, reply.step, reply.action) == (
        "reply", "ChargeReply", "booking", "Charge", "forward",
    )  # fmt: skip
    assert reply.data == {"status": "succeeded", "reason": "", "receipt": 7}
    assert {str(row.causation_id) for row in (event, reply)} == {envelope["id"]}
    assert {str(row.saga_id) for row in (event, reply)} == {SAGA}
    assert {row.correlation_id for row in (event, reply)} == {"b1"}


def test_the_same_command_twice_acts_once_and_answers_alike(side: Side) -> None:
    side.take(charge())
    side.take(charge())  # sent again by the watchdog, as a message with another id
    assert side.ledger.acted == ["charge b1"]
    first, second = sent(Outbox, "reply")
    assert (first.id, first.data) == (second.id, second.data)
    assert len(sent(Outbox, "event")) == 1
    assert any("came again" in text for text in side.observed())


def test_the_same_command_twice_in_one_batch_acts_once(side: Side) -> None:
    side.take(charge(), charge())
    assert side.ledger.acted == ["charge b1"]


def test_control_without_the_barrier_it_acts_twice(side: Side, redis: Redis) -> None:
    switch(redis, Mechanism.BARRIER, off=True)
    side.take(charge())
    side.take(charge())
    assert side.ledger.acted == ["charge b1", "charge b1"]
    first, second = sent(Outbox, "reply")
    assert first.id != second.id


def test_a_lost_reply_is_given_again_with_its_id(side: Side) -> None:
    side.take(charge(refuse=True))
    lost = sent(Outbox, "reply")[0]
    side.take(charge(refuse=True))
    again = sent(Outbox, "reply")[1]
    assert (again.id, again.data) == (lost.id, {"status": "refused", "reason": "card_declined"})


def test_a_compensation_undoes_what_was_done_once(side: Side) -> None:
    side.take(charge())
    side.take(uncharge())
    side.take(uncharge())
    assert side.ledger.acted == ["charge b1", "uncharge b1"]
    assert [(row.type, row.step, row.action) for row in sent(Outbox, "reply")[1:]] == [
        ("UnchargeReply", "Charge", "compensation")
    ] * 2


def test_a_compensation_of_a_refused_action_does_nothing(side: Side) -> None:
    side.take(charge(refuse=True))
    side.take(uncharge())
    assert side.ledger.acted == []
    assert replies(Outbox) == [("refused", "card_declined"), ("succeeded", "")]


def test_an_action_that_comes_after_its_compensation_is_refused(side: Side) -> None:
    side.take(uncharge())
    side.take(charge())
    assert side.ledger.acted == []
    assert replies(Outbox) == [("succeeded", ""), ("refused", "fenced")]


def test_control_without_the_barrier_the_late_action_acts(side: Side, redis: Redis) -> None:
    switch(redis, Mechanism.BARRIER, off=True)
    side.take(uncharge())
    side.take(charge())
    assert side.ledger.acted == ["uncharge b1", "charge b1"]


def test_an_action_and_its_compensation_in_one_batch_leave_nothing(side: Side) -> None:
    side.take(uncharge(), charge())
    assert side.ledger.acted == ["charge b1", "uncharge b1"]


def test_a_fence_before_the_action_refuses_it_for_good(side: Side) -> None:
    side.take(fence())
    side.take(charge())
    side.take(fence())
    assert side.ledger.acted == []
    rows = sent(Outbox, "reply")
    assert [(row.type, row.step, row.action, row.data) for row in rows] == [
        (name, "Charge", "forward", {"status": "refused", "reason": "fenced"})
        for name in ("FenceChargeReply", "ChargeReply", "FenceChargeReply")
    ]
    assert len({row.id for row in rows}) == 1  # one answer about one action, however often it is asked for


def test_a_fence_after_the_action_gives_its_answer_again(side: Side) -> None:
    side.take(charge())
    side.take(fence())
    first, second = sent(Outbox, "reply")
    assert (second.id, second.step, second.action) == (first.id, "Charge", "forward")
    assert second.data == {"status": "succeeded", "reason": "", "receipt": 7}


def test_two_sagas_do_not_meet(side: Side) -> None:
    side.take(charge(), charge(saga=new_id()))
    assert len(side.ledger.acted) == 2


def test_an_unknown_command_is_told_what_is_known(side: Side) -> None:
    with pytest.raises(ValueError, match=r"payments knows no message 'Bribe', only \['Charge'"):
        side.take({**charge(), "type": "Bribe"})
    assert sent(Outbox) == []


@pytest.mark.parametrize("action", ["compensation", "forward"])
def test_what_must_succeed_runs_again_after_a_refusal(side: Side, action: str) -> None:
    """A compensation, or a retriable step: the refusal is answered, not kept."""
    side.take(charge())
    side.take(uncharge(action=action, refuse=True))
    side.take(uncharge(action=action, refuse=True))
    assert side.ledger.acted == ["charge b1"]
    side.take(uncharge(action=action))
    side.take(uncharge(action=action, refuse=True))  # a late duplicate: by now it has succeeded
    assert side.ledger.acted == ["charge b1", "uncharge b1"]
    refused = {"status": "refused", "reason": "bank_closed"}
    succeeded = {"status": "succeeded", "reason": ""}
    rows = sent(Outbox, "reply")[1:]
    assert [row.data for row in rows] == [refused, refused, succeeded, succeeded]
    # each attempt answers for itself; only the duplicate's answer is the same
    assert len({row.id for row in rows}) == 3


def test_a_type_that_is_a_compensation_and_a_step_is_told_apart_by_its_action(side: Side) -> None:
    side.take(charge())
    side.take(uncharge(), uncharge(saga=new_id(), action="forward"))
    assert side.ledger.acted == ["charge b1", "uncharge b1", "uncharge b1"]
    assert [(row.step, row.action) for row in sent(Outbox, "reply")[1:]] == [
        ("Charge", "compensation"), ("Uncharge", "forward"),
    ]  # fmt: skip


def test_a_command_with_an_action_it_does_not_have_is_refused(side: Side) -> None:
    with pytest.raises(ValueError, match="takes Uncharge as \\['compensation', 'forward'\\], not 'fence'"):
        side.take(uncharge(action="fence"))
