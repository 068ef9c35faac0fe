"""The read models: denormalised rows, written only by the projectors; they can be discarded and rebuilt.

Each row keeps a version for every aggregate that feeds it; a write applies only if its event's version is newer, so
neither order nor duplicates matter.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Cast, Now, Right

from messaging import models as messaging


class ReadModel(models.Model):
    """A row of a read model. `caused_by`: the ids of the events that its last write applied."""

    caused_by = ArrayField(models.UUIDField(), null=True)

    class Meta:
        abstract = True


class CustomerName(ReadModel):
    """A customer's name, as one view has it: each view has its own copy, and so gets a new name at its own moment."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField(null=True)
    version = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class BookingView(ReadModel):
    """A booking with data of all four services. A column is empty until its service's event has arrived."""

    id = models.UUIDField(primary_key=True)
    # booking
    customer_id = models.BigIntegerField(null=True)
    performance_id = models.TextField(null=True)
    seats = models.JSONField(null=True)  # labels
    payment_method = models.TextField(null=True)
    placed_by = models.TextField(null=True)  # the visitor's pseudonym
    state = models.TextField(null=True)
    reason = models.TextField(null=True)
    amount = models.BigIntegerField(null=True)  # minor units
    currency = models.TextField(null=True)
    booking_at = models.DateTimeField(null=True)
    booking_version = models.BigIntegerField(null=True)
    # seats
    hold_status = models.TextField(null=True)
    hold_expires_at = models.DateTimeField(null=True)
    hold_at = models.DateTimeField(null=True)
    hold_version = models.BigIntegerField(null=True)
    # payments
    payment_id = models.TextField(null=True)
    payment_status = models.TextField(null=True)
    payment_reason = models.TextField(null=True)
    payment_at = models.DateTimeField(null=True)
    payment_version = models.BigIntegerField(null=True)
    # tickets
    tickets_status = models.TextField(null=True)
    tickets = models.JSONField(null=True)  # [{id, seat, code}]
    tickets_at = models.DateTimeField(null=True)
    tickets_version = models.BigIntegerField(null=True)

    created_at = models.DateTimeField(null=True)  # the moment inside the booking's uuidv7
    updated_at = models.DateTimeField(null=True)  # the latest of the four `..._at`
    version = models.BigIntegerField(default=0)  # the sum of the four versions: grows with each change

    class Meta:
        # Ids are uuidv7: their order is the order of time, so the primary key serves every list. None of these columns
        # changes once it is there, but for `tickets`: so nearly all updates stay in their page (HOT).
        indexes = [
            models.Index(fields=["customer_id", "id"], name="projections_by_customer"),
            GinIndex(fields=["seats"], name="projections_by_seat", opclasses=["jsonb_path_ops"]),
            GinIndex(fields=["tickets"], name="projections_by_ticket", opclasses=["jsonb_path_ops"]),
            models.Index(Right(Cast("id", models.TextField()), 8), name="projections_by_short_id"),
        ]


class SeatMap(ReadModel):
    """A seat of a performance. Its place comes from the performance's announcement, its status from each change."""

    pk = models.CompositePrimaryKey("performance_id", "label")
    performance_id = models.TextField()
    label = models.TextField()
    # the announcement
    section = models.TextField(null=True)
    row = models.TextField(null=True)
    number = models.IntegerField(null=True)
    price = models.BigIntegerField(null=True)  # minor units
    currency = models.TextField(null=True)
    place_version = models.BigIntegerField(null=True)
    # the seat
    seat_id = models.BigIntegerField(null=True)
    status = models.TextField(null=True)  # AVAILABLE | RESERVED | SOLD
    booking_id = models.UUIDField(null=True)
    version = models.BigIntegerField(null=True)


class Performance(ReadModel):
    """Belongs to the seat map view."""

    id = models.TextField(primary_key=True)
    title = models.TextField(null=True)
    venue = models.TextField(null=True)
    starts_at = models.DateTimeField(null=True)
    currency = models.TextField(null=True)
    version = models.BigIntegerField(null=True)


class Customer(CustomerName):
    """Belongs to the bookings view."""


class HistoryBooking(ReadModel):
    """Belongs to the customer history view: the contribution of one booking to its customer's sums. Money in minor units."""

    id = models.UUIDField(primary_key=True)
    customer_id = models.BigIntegerField(null=True)
    state = models.TextField(null=True)
    booking_at = models.DateTimeField(null=True)
    booking_version = models.BigIntegerField(null=True)
    taken = models.BigIntegerField(null=True)
    refunded = models.BigIntegerField(null=True)
    currency = models.TextField(null=True)
    payment_at = models.DateTimeField(null=True)
    payment_version = models.BigIntegerField(null=True)
    tickets_status = models.TextField(null=True)
    tickets = models.IntegerField(null=True)
    tickets_at = models.DateTimeField(null=True)
    tickets_version = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["customer_id"], name="projections_history_customer")]


class HistoryCustomer(CustomerName):
    """Belongs to the customer history view."""


class SalesPerformance(ReadModel):
    """Belongs to the sales view."""

    id = models.TextField(primary_key=True)
    title = models.TextField(null=True)
    starts_at = models.DateTimeField(null=True)
    currency = models.TextField(null=True)
    version = models.BigIntegerField(null=True)


class SalesSeat(ReadModel):
    """Belongs to the sales view: one seat's part in the counts."""

    pk = models.CompositePrimaryKey("performance_id", "label")
    performance_id = models.TextField()
    label = models.TextField()
    status = models.TextField(null=True)
    price = models.BigIntegerField(null=True)
    version = models.BigIntegerField(null=True)


class SalesBooking(ReadModel):
    """Belongs to the sales view: one booking's part in the money, in minor units."""

    id = models.UUIDField(primary_key=True)
    performance_id = models.TextField(null=True)
    hold_version = models.BigIntegerField(null=True)
    taken = models.BigIntegerField(null=True)
    refunded = models.BigIntegerField(null=True)
    currency = models.TextField(null=True)
    payment_version = models.BigIntegerField(null=True)


class Checkpoint(models.Model):
    """A view's progress with one source; saved in the transaction that writes the rows (see messaging/events/cursor.py)."""

    pk = models.CompositePrimaryKey("view", "source")
    view = models.TextField()
    source = models.TextField()
    stream_id = models.TextField(default="0-0")
    event_id = models.TextField(default="")
    horizon = models.BigIntegerField(default=0)
    pending = models.BigIntegerField(default=0)
    applied = models.BigIntegerField(default=0)  # events that concern the view, duplicates too
    lag_ms = models.IntegerField(default=0)  # from the event to its row, for the last event that changed a row
    behind = models.IntegerField(default=0)  # stream entries not yet read
    updated_at = models.DateTimeField(db_default=Now())


class DeadLetter(messaging.DeadLetter):
    """An event that a projector skipped (messaging.events.skipped). Not discarded with a view."""
