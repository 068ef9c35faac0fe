"""Replaying what was recorded: runs, and the way of one out of this sandbox and into another."""
