"""What every long-lived process needs: its life and its end, Redis, outages told, rounds."""
