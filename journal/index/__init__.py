"""Derives from entries what moments are read from: row versions, table hashes, messages in flight."""
