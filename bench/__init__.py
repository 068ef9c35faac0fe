"""The bench: measures bookings, compared with other ways of doing the same, in the same run on the same machine."""
