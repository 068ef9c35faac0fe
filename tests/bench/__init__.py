"""The bench itself: its arithmetic, its peers, what it skips."""
