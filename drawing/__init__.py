"""From journal entries to what a person sees. Pure: no request, no query."""
