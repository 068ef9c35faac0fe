"""A run as a file that can be carried away and replayed elsewhere: `lines` is the format, `writing` and `reading` are pure."""
