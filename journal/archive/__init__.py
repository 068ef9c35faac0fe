"""A run as a file that can be replayed elsewhere: `lines` is the format, `writing` and `reading` are pure."""
