"""The front door: one API for the outside, answered from the read models or handed to the service that owns the data."""
