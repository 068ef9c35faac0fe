"""The auditor's process: it follows what changes, reads what that concerns, keeps what is broken, and answers over HTTP."""
