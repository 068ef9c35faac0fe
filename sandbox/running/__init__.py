"""Processes on this machine: their environments, their supervisor, who ends them and what they leave."""
