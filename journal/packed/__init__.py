"""An entry's rows as their log had them: packed when they are recorded, and decoded here, for those who look."""
