"""What pages show of the read models."""

from topology.shown import Copied, Example, Shown, Work

SHOWN = Shown(
    columns={
        "projections_bookingview": ("state", "hold_status", "payment_status", "tickets_status", "version"),
        "projections_seatmap": ("label", "status", "version"),
        "projections_historybooking": ("state", "taken", "refunded", "tickets"),
        "projections_salesbooking": ("performance_id", "taken", "refunded"),
    },
    examples=(
        Example(
            "answer",
            "The answer to the JOIN: the CQRS view",
            """select id, seats, state, hold_status, payment_status, amount, tickets_status
from projections_bookingview
order by id desc;""",
        ),
        Example(
            "lag",
            "The progress of each view",
            """select view, source, applied, lag_ms, behind, updated_at
from projections_checkpoint order by view, source;""",
        ),
        Example(
            "sums",
            "A sum over contributions, without deltas",
            """select performance_id, currency, sum(taken) as taken, sum(refunded) as refunded
from projections_salesbooking group by 1, 2;""",
        ),
    ),
    write="update projections_bookingview set state = 'CONFIRMED';",
    work={
        "view": Work(
            "messaging.events.view.View.write",
            "tests/projections/test_views.py::test_the_rows_tell_the_end_of_the_story",
        ),
    },
    copies=(
        Copied("projections_bookingview", "booking_version", "booking"),
        Copied("projections_bookingview", "hold_version", "hold"),
        Copied("projections_bookingview", "payment_version", "payment"),
        Copied("projections_bookingview", "tickets_version", "issuance"),
        Copied("projections_seatmap", "version", "seat", by="label"),
    ),
)
