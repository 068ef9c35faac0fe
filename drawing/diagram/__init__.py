"""The space-time diagram: several bookings' entries by cause and effect, not by clocks."""
