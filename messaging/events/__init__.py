"""How a service follows what others say: their events, in order, none left out."""
