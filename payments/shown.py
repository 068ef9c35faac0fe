"""What pages show of Payment."""

from topology.shown import Example, Shown, Work

_PAYMENTS = "tests/payments/test_payments.py"
SHOWN = Shown(
    columns={"payments_payment": ("status", "amount", "version"), "payments_refund": ("amount",)},
    examples=(
        Example(
            "money",
            "Payments taken, declined and refunded",
            """select status, currency, count(*), sum(amount)
from payments_payment group by 1, 2 order by 1;""",
        ),
        Example("barrier", "The barrier: each action once, with the stored reply", "select * from payments_barrier;"),
    ),
    write="delete from payments_payment;",
    work={
        "TakePayment": Work("payments.transactions.take", f"{_PAYMENTS}::test_a_payment_is_recorded_answered_and_told"),
        "RefundPayment": Work(
            "payments.transactions.refund", f"{_PAYMENTS}::test_a_refund_gives_the_whole_amount_back_once"
        ),
    },
)
