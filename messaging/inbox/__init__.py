"""How a command arrives at a service: a batch at a time, each exactly once."""
