"""Which performances are the lab's: its ways book in halls of their own, which pages count only if they are asked to."""

LAB = "lab-"
"""How the ids of the lab's performances begin."""
