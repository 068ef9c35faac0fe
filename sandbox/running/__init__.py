"""Processes on this machine: their environments, their supervisor, their end, and leftovers."""
