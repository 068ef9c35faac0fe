"""Django's PostgreSQL backend with two additions: no statement waits for ever, and the outcome of a commit may be unknown."""
