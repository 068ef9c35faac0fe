"""The soak: the same rate for a long time, measuring what grows meanwhile."""
