"""The soak: the same rate for a long time, and what grows meanwhile."""
