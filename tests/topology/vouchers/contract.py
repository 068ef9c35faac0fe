"""What crosses Voucher's boundary."""

from messaging.message import Amount, Command, Event, Id


class GrantVoucher(Command):
    """A voucher for a booking, once."""

    booking_id: Id
    worth: Amount


class VoucherGranted(Event):
    """The booking has its voucher. Subject: the booking's id."""

    booking_id: Id
    worth: Amount
