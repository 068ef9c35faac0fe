"""Hostile input: whatever is sent to a port, it is answered, and a refused request has written nothing."""
