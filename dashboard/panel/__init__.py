"""A booking's panel, and what else was so at a moment: which one an address asks for, and its context. The stage shows it of
the present and of the sandbox's own past, the replay of a run. Neither of the two knows the other."""
