"""A booking's panel, and the other panels of a moment: which one a URL requests, and its context. The stage shows it
for the present and for the sandbox's own past, the replay for a run. Neither of the two imports the other."""
