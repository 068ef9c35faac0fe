"""Queries of the journal. Only SELECT."""
