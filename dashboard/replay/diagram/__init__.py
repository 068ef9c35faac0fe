"""The space-time diagram: several bookings' entries by cause and effect, not by clocks.

`asking` reads the address, `context` finds what it asks for, drawing.diagram makes a picture of it, `views` serve it.
"""
