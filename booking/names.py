"""What a customer may be called. Markup is text like any other (pages escape it); what could deceive a reader is refused."""

import unicodedata

LONGEST = 80  # characters
JOINERS = {"\u200c", "\u200d"}  # needed to write Persian and the scripts of India
VISIBLE = ("L", "N", "P", "S")
"""Categories of characters that leave ink: letters, numbers, punctuation, symbols."""


def checked_name(raw: str) -> str:
    """The name as it will be kept: in composed form (NFC), without blanks around it. Raises ValueError with the reason."""
    for position, character in enumerate(raw, 1):
        kind = _forbidden(character)
        if kind:
            raise ValueError(
                f"character {position} of the name (U+{ord(character):04X}) is {kind}, which no name needs"
            )
    name = unicodedata.normalize("NFC", raw).strip()
    if not any(unicodedata.category(character)[0] in VISIBLE for character in name):
        raise ValueError("a name needs at least one character that can be seen")
    if len(name) > LONGEST:
        raise ValueError(f"a name has at most {LONGEST} characters; this one has {len(name)}")
    return name


def _forbidden(character: str) -> str:
    """Overrides of the writing direction can make a page say what is not there; text in Hebrew or Arabic needs none."""
    category = unicodedata.category(character)
    if unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"):
        return "a control of the writing direction"
    if character in ("\u200e", "\u200f", "\u061c"):
        return "a mark of the writing direction"
    if category == "Cc":
        return "a control character"
    if category in ("Zl", "Zp"):
        return "a line break"
    if category == "Cf" and character not in JOINERS:
        return "an invisible formatting character"
    if category in ("Cs", "Co", "Cn"):
        return "no character of any script"
    return ""
