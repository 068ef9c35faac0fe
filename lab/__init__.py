"""The lab: every way to write, to read and to store that the textbooks name, carried out next to the orchestrated saga."""
