"""Stretches of a tape with a name: listed, kept, imported."""
