"""The page /operate: sagas and messages that need a person, and the buttons."""
