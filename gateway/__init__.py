"""The front door: one API for clients. It answers from the read models, or forwards to the service that owns the data."""
