"""The bench: how fast a booking is, beside other ways of doing the same, in the same run on the same machine."""
