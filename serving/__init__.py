"""What every HTTP server of Sagabox has in common: problem details, doors, health, and the APIs that each service has."""
