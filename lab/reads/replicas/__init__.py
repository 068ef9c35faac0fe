"""Data replication by events: the door's list from Ticket's own copies, how old they are, and who may write them."""
