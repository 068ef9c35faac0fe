"""What Booking reports to an auditor: every customer, every booking, every saga with the steps that a person waived,
and the request that placed each booking. For serving.truth_api."""

NAMED = {"customer": "row.id::text"}
TRUTH = {
    "customer": """
        select null::uuid as booking_id, id, name, version, xmin::text::bigint as xid from booking_customer
    """,
    "booking": """
        select id as booking_id, customer_id, performance_id, seats, payment_method, state, reason, amount, currency,
            due_at, version, xmin::text::bigint as xid
        from booking_booking
    """,
    # `steps` of most sagas hold nothing that a person skipped; only the others are taken apart, whatever another version put
    # there: what is no object has no steps.
    "saga": """
        select booking_id, id, definition, state, step, action, awaiting, due_at, reason, version,
            xmin::text::bigint as xid,
            (select max(at) from booking_sagalog log where log.saga_id = saga.id) as last_at,
            case when steps::text like '%%"skipped"%%' then (
                select jsonb_agg(jsonb_build_object('step', step.key, 'action', action.key, 'reason', action.value -> 'note'))
                from jsonb_each(case jsonb_typeof(steps) when 'object' then steps else '{}' end) step,
                    jsonb_each(case jsonb_typeof(step.value) when 'object' then step.value else '{}' end) action
                where action.value ->> 'known' = 'skipped'
            ) end as waived
        from booking_saga saga
    """,
    # Whose request placed it: a digest of the key that the client sent, since keys are the clients' own business. With that
    # mechanism off a request is stored under the client's key, a blank, and something that makes it another one.
    "request": """
        select booking_id, md5(split_part(key, ' ', 1)) as request, xmin::text::bigint as xid from booking_idempotencykey
        where booking_id is not null
    """,
}
