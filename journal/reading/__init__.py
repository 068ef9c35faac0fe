"""Questions to the journal. Only SELECT."""
