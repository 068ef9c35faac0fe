"""Named ranges of a tape: listed, started, stopped, imported, deleted."""
