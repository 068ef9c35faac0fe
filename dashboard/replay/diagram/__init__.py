"""The space-time diagram: several bookings' entries by cause and effect, not by clocks.

`causality` says who stands where, `layout` makes a picture of it, `asking` reads the address, `page` serves it.
"""
