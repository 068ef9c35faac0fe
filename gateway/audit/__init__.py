"""The auditor's verdict at the front door, and the link to the entry that broke what it names."""
