"""From entries to what a moment is asked of: row versions, table hashes, messages in flight."""
