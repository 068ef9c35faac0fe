"""The auditor's process: it follows changes, reads the rows concerned, keeps the breaches, and answers over HTTP."""
