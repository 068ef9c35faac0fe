"""Runs at the front door: listed, carried in and out, compared with the live tables."""
