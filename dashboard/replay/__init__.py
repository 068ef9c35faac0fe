"""Replay of recordings: runs, their export and their import."""
