"""What Voucher tells an auditor."""

TRUTH = {"voucher": "select id, booking_id, worth, version, xmin::text::bigint as xid from vouchers_voucher"}
