"""The space-time diagram: several bookings' entries by cause and effect, not by clocks.

`asking` parses the URL, `context` finds the entries, drawing.diagram makes a picture of them, `views` serve it.
"""
