"""The page /operate: what needs a person, and the buttons."""
