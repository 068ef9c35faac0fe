"""What people would use instead of Sagabox, doing the same three writes: each alone on the machine, on servers of its own."""
