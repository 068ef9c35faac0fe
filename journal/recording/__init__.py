"""From the databases' logs to the journal's entries. The recorder is its only writer."""
