"""What a sandbox keeps on disk: its directory, its secrets, the backup before a migration."""
