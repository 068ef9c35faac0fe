"""What Seat reports to an auditor: every seat, and every hold. For serving.truth_api."""

NAMED = {"seat": "row.performance_id || '/' || row.label"}
TRUTH = {
    "seat": """
        select booking_id, performance_id, label, status, price, version, xmin::text::bigint as xid from seats_seat
    """,
    "hold": """
        select id as booking_id, performance_id, status, expires_at, amount, currency, version, xmin::text::bigint as xid
        from seats_hold
    """,
}
