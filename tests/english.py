"""`python -m tests.english`: finds odd English in documents, pages and code, and says what to write instead. Part of `make lint`.

The words and the exceptions are in english.toml. An exception that is no longer needed is an error too: the list only shrinks.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "english.toml"
SUFFIXES = {".md", ".py", ".sh", ".html", ".js", ".css"}
BETWEEN = r"[\s#*/\"]+"  # words of one sentence may be on two lines, of a comment or of a string in two parts


@dataclass(frozen=True)
class Odd:
    """`words`, as the list has them, are in line `line` of the file at `path`. `instead`: what to write."""

    path: str
    line: int
    words: str
    instead: str


class English:
    """The list of odd words, and of the verbs of speech that a record must not have."""

    def __init__(self, path: Path = LIST) -> None:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        self.rooms: list[str] = found["rooms"]
        self.exceptions: dict[str, list[str]] = found["exceptions"]
        speech = found["speech"]
        spoken = rf"(?:{'|'.join(speech['subjects'])}){BETWEEN}(?:{'|'.join(speech['verbs'])})"
        self._patterns = [(_pattern(words), words, instead) for words, instead in found["instead"].items()]
        self._patterns.append((re.compile(rf"\b{spoken}\b", re.IGNORECASE), "", speech["instead"]))

    def check(self, path: str, text: str) -> Iterator[Odd]:
        """What is odd in a text, whether or not it is an exception."""
        for pattern, words, instead in self._patterns:
            for match in pattern.finditer(text):
                found = words or re.sub(BETWEEN, " ", match[0]).lower()
                yield Odd(path, text.count("\n", 0, match.start()) + 1, found, instead)

    def texts(self) -> Iterator[tuple[str, str]]:
        """(path, text) of every file to be checked."""
        for room in self.rooms:
            place = ROOT / room
            for file in [place] if place.is_file() else sorted(place.rglob("*")):
                if file.suffix in SUFFIXES:
                    yield str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")


def _pattern(words: str) -> re.Pattern[str]:
    """Upper or lower case, over the end of a line. `go(es)` takes an optional ending, `goes|went` one of several."""
    parts = (re.sub(r"\((\w+)\)", r"(?:\1)?", part) for part in words.split())
    return re.compile(rf"(?<![\w.-])(?:{BETWEEN.join(f'(?:{part})' for part in parts)})(?![\w-])", re.IGNORECASE)


def problems(english: English, texts: Iterable[tuple[str, str]]) -> list[str]:
    """One line each: odd words that are no exception, then exceptions that nothing needs."""
    found = [odd for path, text in texts for odd in english.check(path, text)]
    needed = {(odd.path, odd.words) for odd in found}
    lines = [
        f'{odd.path}:{odd.line}: "{odd.words}": {odd.instead}'
        for odd in found
        if odd.words not in english.exceptions.get(odd.path, [])
    ]
    return lines + [
        f'tests/english.toml: "{words}" is no longer in {path}: remove the exception'
        for path, listed in english.exceptions.items()
        for words in listed
        if (path, words) not in needed
    ]


if __name__ == "__main__":
    whole = English()
    sys.exit("\n".join(problems(whole, whole.texts())) or 0)
