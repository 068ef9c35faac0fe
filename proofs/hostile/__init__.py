"""Hostile input: whatever is sent to a port, the answer is an answer, and what was refused has written nothing."""
