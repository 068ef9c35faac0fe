"""A made-up fifth service for tests: one table, one command, one event. A room like the others; nothing else names it."""
