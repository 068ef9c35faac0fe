"""What happened to a booking so far, in one or two sentences, and its figures: a pure value, computed from its journal entries.

`facts` reads the entries. `turning` describes why a saga went back and what it undid, `struck` what faults did, `standing` what
it waits for, and `narrate` puts them together. Each part of a sentence names the entries it stands on.
"""

from drawing.narration.narrate import narrate
from drawing.narration.text import Narration, Part

__all__ = ["Narration", "Part", "narrate"]
