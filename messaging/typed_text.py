"""The rule for text that people type (names, titles, venues, sections, reasons), and how to place such text next to
ours.

    title: Annotated[str, Typed("title", 100)]                  # a field of a request
    typed_text("Jose\\u0301 ", what="name", longest=80)          # "José"; raises ValueError with the reason
    isolated(title)                                              # where <bdi> is not possible: option, title,
    attribute, plain text

Markup is text like any other (pages escape it). Text is refused if it misleads a reader: invisible text, and controls
of the writing direction. Blanks and invisible marks around the text, which copying may add, are removed. Unicode grows,
above all by Han characters for names. A character that this Python's table does not have yet is accepted; only code
points that will never be a character are refused.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

LONGEST = 200  # characters, for text without a shorter limit of its own
FSI, PDI = "\u2068", "\u2069"  # first strong isolate, pop directional isolate
_CONTROLS = "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides, isolates
_DIRECTION_MARKS = "\u200e\u200f\u061c"  # of use only in text that has letters from right to left
_JOINERS = "\u200c\u200d\u180e"  # Persian, the scripts of India and Mongolian are not written without
_INVISIBLE = f"\u00ad\u034f\u200b\u2060-\u2064\ufeff{_JOINERS}{_DIRECTION_MARKS}"
_AROUND = re.compile(rf"\A[\s{_INVISIBLE}]+|[\s{_INVISIBLE}]+\Z")
_ISOLATED = re.compile(f"{FSI}([^{_CONTROLS}]*){PDI}")  # copied from a page of ours
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")  # England, Scotland, Wales: spelt in tag characters
_VISIBLE = ("L", "N", "P", "S", "Cn")  # categories that leave ink; what has none yet is taken to
_BLANK = "\u115f\u1160\u3164\uffa0\u2800\U0001d159"  # letters and symbols by category, without ink
_WITH_INK = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")  # signs that span numbers
# Not: letters from right to left, unassigned.
_RUNS_OUR_WAY = {"L", "EN", "ES", "ET", "CS", "NSM", "BN", "S", "WS", "ON", "B"}
_NEVER_A_CHARACTER = re.compile("[\u2065\ufdd0-\ufdef\ufff0-\ufff8\U00040000-\U0010ffff]")


@dataclass(frozen=True)
class Typed:
    """The rule for a field of a request: `Annotated[str, Typed("title", 100)]`. `may_be_empty`: then nothing is a text too."""

    what: str
    longest: int = LONGEST
    may_be_empty: bool = False

    def __call__(self, raw: str) -> str:
        if self.may_be_empty and not raw.strip():
            return ""
        return typed_text(raw, what=self.what, longest=self.longest)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Mapping[str, Any]:
        return {**handler(schema), "minLength": 0 if self.may_be_empty else 1, "maxLength": self.longest}


def typed_text(raw: str, *, what: str = "text", longest: int = LONGEST) -> str:
    """The text as it will be stored: composed (NFC), nothing invisible around it. Raises ValueError with the reason.
    `what` names the text in the reason. `longest`: in characters, of the text as stored.
    """
    text = _AROUND.sub("", unicodedata.normalize("NFC", raw))
    if (whole := _ISOLATED.fullmatch(text)) is not None:
        text = _AROUND.sub("", whole[1])
    plain = _FLAG.sub(lambda flag: "\U0001f3f4" * len(flag[0]), text)
    marked = any(unicodedata.bidirectional(one) in ("R", "AL") for one in plain if one not in _DIRECTION_MARKS)
    for position, character in enumerate(plain, 1):
        if kind := _forbidden(character, marked):
            raise ValueError(f"character {position} of the {what} (U+{ord(character):04X}) is {kind}")
    if not any(map(_is_visible, plain)):
        raise ValueError(f"a {what} needs at least one character that can be seen")
    if len(text) > longest:
        raise ValueError(f"a {what} has at most {longest} characters; this one has {len(text)}")
    return text


def isolated(text: object) -> str:
    """The text, isolated if it may run from right to left: then the text before and after it keeps its place.

    Controls in a text that was stored before this rule are removed: one of them could end the isolate.
    """
    plain = re.sub(f"[{_CONTROLS}]", "", str(text))
    return plain if all(unicodedata.bidirectional(one) in _RUNS_OUR_WAY for one in plain) else f"{FSI}{plain}{PDI}"


def _is_visible(character: str) -> bool:
    return unicodedata.category(character).startswith(_VISIBLE) and character not in _BLANK


def _forbidden(character: str, marked: bool) -> str:
    """What is wrong with a character, if anything is. `marked`: the text has letters from right to left, which marks may help."""
    category = unicodedata.category(character)
    if re.match(f"[{_CONTROLS}]", character):
        return "a control of the writing direction"
    if character in _DIRECTION_MARKS and not marked:
        return "a mark of the writing direction, in a text that has no letter from right to left"
    if category == "Cc":
        return "a control character"
    if category in ("Zl", "Zp"):
        return "a line break"
    if category == "Cf" and character not in _JOINERS + _DIRECTION_MARKS and not _WITH_INK.match(character):
        return "an invisible formatting character"
    if category == "Cs":
        return "half of a surrogate pair, which is no character"
    if category == "Co":
        return "no character of any script: each machine shows another one for it"
    if category == "Cn" and (_NEVER_A_CHARACTER.match(character) or ord(character) & 0xFFFE == 0xFFFE):
        return "no character, and never will be one"
    return ""
