"""Records the databases' logs as the journal's entries. The recorder is the journal's only writer."""
