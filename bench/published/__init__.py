"""What the last run of the bench measured, as it stands in docs/performance.md."""
