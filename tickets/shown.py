"""What pages show of Ticket."""

from topology.shown import Example, Shown, Work

_TICKETS = "tests/tickets/test_tickets.py"
SHOWN = Shown(
    columns={"tickets_issuance": ("status", "version"), "tickets_ticket": ("seat", "code")},
    examples=(
        Example(
            "issued",
            "Tickets, and whether they are still valid",
            """select i.status, t.seat, t.id
from tickets_ticket t
join tickets_issuance i on i.booking_id = t.issuance_id
order by t.id desc;""",
        ),
        Example(
            "outbox",
            "The outbox: what Ticket sent to the others",
            """select seq, kind, type, destination, xid, time
from tickets_outbox order by seq desc;""",
        ),
    ),
    write="update tickets_issuance set status = 'ISSUED', reason = '';",
    work={
        "IssueTickets": Work(
            "tickets.transactions.issue", f"{_TICKETS}::test_a_ticket_for_each_seat_with_a_code_of_its_own"
        ),
        "VoidTickets": Work(
            "tickets.transactions.void",
            "tests/saga/test_cancelling.py::test_a_confirmed_booking_is_cancelled_by_a_second_saga",
        ),
        "FenceTickets": Work(
            "messaging.inbox.barrier.take",
            f"{_TICKETS}::test_an_overdue_issue_is_fenced_and_refused_when_it_comes_after_all",
        ),
        "FenceVoidTickets": Work(
            "messaging.inbox.barrier.take",
            "tests/saga/test_wishes.py::test_a_wish_whose_first_command_is_lost_stays_and_is_granted",
        ),
    },
)
