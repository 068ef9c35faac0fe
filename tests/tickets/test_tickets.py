"""Issuing tickets, and fencing them, through the service's front gate."""

import pytest
from redis import Redis

from faults import Mechanism, arm, switch
from faults.toggles import TOGGLES
from tests.messages import command, new_id, replies, sent
from tickets.commands import handle
from tickets.contract import FenceTickets, IssueTickets
from tickets.models import DeadLetter, Issuance, Outbox, Ticket

pytestmark = [pytest.mark.django_db(databases=["tickets"]), pytest.mark.usefixtures("redis")]


def issue(*seats: str, booking: str = "", saga: str = "") -> dict:
    body = IssueTickets(
        booking_id=booking or new_id(), performance_id="concert", customer_id=123, seats=list(seats or ["A-15"])
    )
    return command(body, saga=saga)


def fence(booking: str, saga: str) -> dict:
    return command(FenceTickets(booking_id=booking), saga=saga)


def test_a_ticket_for_each_seat_with_a_code_of_its_own() -> None:
    booking = new_id()
    handle([issue("A-15", "A-16", booking=booking), issue("B-1")])
    tickets = Ticket.objects.filter(issuance_id=booking).order_by("seat")
    assert [ticket.seat for ticket in tickets] == ["A-15", "A-16"]
    codes = {ticket.code for ticket in Ticket.objects.all()}
    assert len(codes) == 3
    assert all(len(code) >= 22 for code in codes)  # 128 bits
    event = sent(Outbox, "event")[0]
    assert (event.type, event.subject, event.version) == ("TicketsIssued", booking, 1)
    assert [(ticket["seat"], ticket["code"]) for ticket in event.data["tickets"]] == [
        (ticket.seat, ticket.code) for ticket in tickets
    ]


def test_a_refusing_printer_is_a_fact_too(redis: Redis) -> None:
    arm(redis, TOGGLES["printer_refuses"].fault())
    handle([issue()])
    handle([issue()])
    assert replies(Outbox) == [("refused", "printer_refused"), ("succeeded", "")]
    assert [row.type for row in sent(Outbox, "event")] == ["TicketsRefused", "TicketsIssued"]
    assert Issuance.objects.get(status="REFUSED").reason == "printer_refused"
    assert Ticket.objects.count() == 1


def test_the_same_command_twice_issues_once() -> None:
    envelope = issue()
    handle([envelope])
    handle([envelope])
    assert Ticket.objects.count() == 1
    assert len({row.id for row in sent(Outbox, "reply")}) == 1


def test_control_without_the_barrier_only_the_last_guard_stops_a_second_ticket(redis: Redis) -> None:
    switch(redis, Mechanism.BARRIER, off=True)
    envelope = issue()
    handle([envelope])
    handle([envelope])
    assert "IntegrityError" in DeadLetter.objects.get().attempts[0]["error"]


def test_an_overdue_issue_is_fenced_and_refused_when_it_comes_after_all() -> None:
    booking, saga = new_id(), new_id()
    handle([fence(booking, saga)])
    handle([issue(booking=booking, saga=saga)])
    assert replies(Outbox) == [("refused", "fenced"), ("refused", "fenced")]
    assert not Ticket.objects.exists()


def test_an_issued_ticket_found_by_the_fence_goes_forward() -> None:
    booking, saga = new_id(), new_id()
    handle([issue(booking=booking, saga=saga)])
    handle([fence(booking, saga)])
    issued, fenced = sent(Outbox, "reply")
    assert fenced.type == "FenceTicketsReply"
    assert (fenced.id, fenced.step, fenced.action, fenced.data) == (issued.id, "IssueTickets", "forward", issued.data)
    assert fenced.data["status"] == "succeeded"


@pytest.mark.usefixtures("no_letters")
@pytest.mark.parametrize("count", [1, 50])
def test_the_number_of_statements_does_not_depend_on_the_batch(count: int, django_assert_num_queries) -> None:
    # savepoint, keys, issuances, tickets, answers and outbox, release of the savepoint
    with django_assert_num_queries(6, using="tickets"):
        handle([issue("A-1", "A-2") for _ in range(count)])
    # savepoint, keys, outbox, release
    with django_assert_num_queries(4, using="tickets"):
        handle([fence(new_id(), new_id()) for _ in range(count)])
    assert Ticket.objects.count() == count * 2
