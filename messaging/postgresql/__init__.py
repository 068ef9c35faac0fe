"""Django's PostgreSQL backend with two things more: no statement waits for ever, and a commit may end unknown."""
