"""The fault rail: what is armed, and the form for anything else."""
