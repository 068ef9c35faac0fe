"""What Ticket reports to an auditor: the outcome for each booking, and every ticket. For serving.truth_api."""

TRUTH = {
    "issuance": """
        select booking_id, performance_id, customer_id, status, reason, version, xmin::text::bigint as xid
        from tickets_issuance
    """,
    "ticket": """
        select issuance_id as booking_id, id, seat, code, xmin::text::bigint as xid from tickets_ticket
    """,
}
