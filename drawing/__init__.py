"""Turns journal entries into what a person sees. Pure: no request, no query."""
