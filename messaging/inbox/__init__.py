"""How commands arrive at a service: in batches, each handled exactly once."""
