"""Shared by every HTTP server of Sagabox: problem details, doors, health, and the APIs that each service has."""
