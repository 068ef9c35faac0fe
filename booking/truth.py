"""What Booking tells an auditor: every booking, and every saga with the steps a person waived. For messaging.truth_api."""

TRUTH = {
    "booking": """
        select id as booking_id, customer_id, performance_id, seats, payment_method, state, reason, amount, currency,
            due_at, version, xmin::text::bigint as xid
        from booking_booking
    """,
    # `steps` of most sagas hold nothing that a person skipped; only the others are taken apart.
    "saga": """
        select booking_id, id, definition, state, step, action, awaiting, due_at, reason, version,
            xmin::text::bigint as xid,
            case when steps::text like '%%"skipped"%%' then (
                select jsonb_agg(jsonb_build_object('step', step.key, 'action', action.key, 'reason', action.value -> 'note'))
                from jsonb_each(steps) step, jsonb_each(step.value) action
                where action.value ->> 'known' = 'skipped'
            ) end as waived
        from booking_saga
    """,
}
