"""What every long-lived process needs: start and end, Redis, reports of outages, rounds."""
