"""A season: so many past bookings in the tables of all four services, all of them settled."""

from django.db import connections

_SEATS = """
    insert into seats_seat (performance_id, section_id, row_id, number, label, price, status, booking_id, version)
    select performance_id, section_id, row_id, 1000 + n, 'Z-' || n, 150000, 'SOLD', gen_random_uuid(), 3
    from (select * from seats_seat order by id limit 1) one, generate_series(1, %(past)s) n
"""
_HOLDS = """
    insert into seats_hold (id, performance_id, status, expires_at, amount, currency, version)
    select booking_id, performance_id, 'CONFIRMED', clock_timestamp(), price, 'KRW', 2 from seats_seat
    where booking_id is not null
"""
_PAYMENTS = """
    insert into payments_payment (booking_id, customer_id, amount, currency, method_id, status, reason, version)
    select gen_random_uuid(), 123, 150000, 'KRW', 'tok_visa', 'REFUNDED', '', 2 from generate_series(1, %(past)s)
"""
_REFUNDS = "insert into payments_refund (payment_id, amount) select id, amount from payments_payment"
_ISSUANCES = """
    insert into tickets_issuance (booking_id, performance_id, customer_id, status, reason, version)
    select gen_random_uuid(), 'concert-2030', 123, 'ISSUED', '', 1 from generate_series(1, %(past)s)
"""
_TICKETS = """
    insert into tickets_ticket (issuance_id, seat, code) select booking_id, 'Z-1', gen_random_uuid()::text from tickets_issuance
"""
_CUSTOMERS = """
    insert into booking_customer (id, name, email, version)
    select 1000000 + n, 'Somebody', 'somebody@example.com', 1 from generate_series(1, %(past)s) n
"""
_PERFORMANCES = """
    insert into booking_performancereplica (id, title, starts_at, labels, prices, currency, version)
    select 'past-' || n, 'Past', clock_timestamp(), '{A-1}', '{1}', 'KRW', 1 from generate_series(1, %(past)s) n
"""
_BOOKINGS = """
    insert into booking_booking (customer_id, performance_id, seats, payment_method, state, reason, currency, version)
    select 123, 'concert-2030', array['Z-' || n], 'tok_visa', 'CONFIRMED', '', 'KRW', 6 from generate_series(1, %(past)s) n
"""
_SAGAS = """
    insert into booking_saga (id, definition, booking_id, state, step, action, attempt, reason, steps, context, awaiting,
        overdue, version)
    select saga_id, 'BookTickets', id, 'COMPLETED', 'ConfirmSeats', 'forward', 1, '', '{}', '{}', '', false, 5
    from booking_booking
"""
_LOG = """
    insert into booking_sagalog (saga_id, who, what, step, action, attempt, error, state)
    select saga_id, 'booking', 'sent', 'ReserveSeats', 'forward', 1, '', 'RUNNING' from booking_booking
"""
_KEYS = """
    insert into booking_idempotencykey (key, fingerprint) select gen_random_uuid()::text, 'f' from generate_series(1, %(past)s)
"""
_OUTBOX = """
    insert into {service}_outbox (kind, type, destination, subject, correlation_id, saga_id, step, action, data)
    select 'event', 'Past', '', n::text, n::text, gen_random_uuid(), '', '', '{{}}' from generate_series(1, %(past)s) n
"""
_BARRIER = """
    insert into {service}_barrier (saga_id, step, action, state, booking_id, reply)
    select gen_random_uuid(), 'Past', 'forward', 'succeeded', '', '{{}}' from generate_series(1, %(past)s)
"""
_LETTERS = """
    insert into {service}_deadletter (id, type, booking_id, envelope, attempts, state, reason)
    select gen_random_uuid(), 'Past', '', '{{}}', '[]', 'cleared', '' from generate_series(1, %(past)s)
"""
_OWN = {
    "booking": (_CUSTOMERS, _PERFORMANCES, _BOOKINGS, _SAGAS, _LOG, _KEYS),
    "seats": (_SEATS, _HOLDS),
    "payments": (_PAYMENTS, _REFUNDS),
    "tickets": (_ISSUANCES, _TICKETS),
}


def past_bookings(past: int) -> None:
    """So many rows in each table of the hot path, and PostgreSQL's statistics of them. Needs customer 123 and the performance."""
    for service, own in _OWN.items():
        common = [_OUTBOX, _LETTERS, *([_BARRIER] if service != "booking" else [])]
        with connections[service].cursor() as cursor:
            for statement in (*own, *(one.format(service=service) for one in common)):
                cursor.execute(statement, {"past": past})
            cursor.execute("analyze")
