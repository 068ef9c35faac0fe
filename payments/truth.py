"""What Payment reports to an auditor: every payment, and every refund. For serving.truth_api."""

TRUTH = {
    "payment": """
        select id, booking_id, customer_id, amount, currency, status, reason, version, xmin::text::bigint as xid
        from payments_payment
    """,
    # A refund is reported even if its payment is gone: the auditor has to see that.
    "refund": """
        select refund.id, refund.payment_id, refund.amount, payment.booking_id, refund.xmin::text::bigint as xid
        from payments_refund refund left join payments_payment payment on payment.id = refund.payment_id
    """,
}
