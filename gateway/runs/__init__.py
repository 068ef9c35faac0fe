"""Runs at the front door: listed, imported, exported, compared with the live tables."""
