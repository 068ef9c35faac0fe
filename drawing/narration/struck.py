"""What faults did to a booking, and how that was repaired. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from drawing.narration.facts import Facts, Strike
from drawing.narration.phrases import times
from drawing.narration.text import Narration, titled

STRIKES = {
    "dropped": "was <lost> on its way",
    "doubled": "arrived <twice>",
    "delayed": "came <late>",
    "crashed": "<crashed>",
    "rolled back": "<rolled back>",
    "held": "was <held> for a time",
}
"""What a fault did -> the verb of a sentence; the word in brackets is emphasized."""
BY_WHOM = ("crashed", "rolled back")  # done by a service; the others happen to a message
MOST = 2  # kinds of strikes that are described; the rest is a count


def struck(found: Facts, text: Narration) -> bool:
    """Add what faults did, and how it was repaired; False if no fault struck. A hold that still stands is the subject of
    another sentence."""
    groups: dict[tuple[str, str], list[Strike]] = {}
    for strike in found.strikes:
        if strike.word in STRIKES and (strike.word != "held" or strike.ended):
            groups.setdefault((strike.word, _subject(found, strike)), []).append(strike)
    for (word, subject), strikes in [*groups.items()][:MOST]:
        _strike(word, subject, strikes, text)
    rest = [strike.pos for strikes in [*groups.values()][MOST:] for strike in strikes]
    if rest:
        text.add("Another fault struck" if len(rest) == 1 else f"{len(rest)} more faults struck", *rest)
        text.end_sentence()
    _repaired(found, text)
    return bool(groups)


def _strike(word: str, subject: str, strikes: Sequence[Strike], text: Narration) -> None:
    positions = [one.pos for one in strikes]
    verb, _, rest = STRIKES[word].partition("<")
    stressed, _, after = rest.partition(">")
    text.add(f"{subject} {verb}", *positions)
    text.add(stressed, *positions, tone="no")
    at = f" at {strikes[0].message}" if word in BY_WHOM and strikes[0].message else ""
    text.add(f"{after}{at}{f', {times(len(strikes))}' if len(strikes) > 1 else ''}", *positions)
    text.end_sentence()


def _subject(found: Facts, strike: Strike) -> str:
    if strike.word not in BY_WHOM:
        return _named(found, strike.message) if strike.message else "A message"
    part = next((one for one in ("relay", "orchestrator") if strike.point.startswith(f"{one}.")), "")
    return f"{titled(strike.service)}'s {part}" if part else titled(strike.service)


def _named(found: Facts, message: str) -> str:
    """A message as the subject of a sentence: a reply by its sender and what it answers."""
    if not message.endswith("Reply"):
        return message
    source = next((one.source for one in found.sent if one.name == message), "")
    return f"{titled(source)}'s answer to {message.removesuffix('Reply')}"


def _repaired(found: Facts, text: Narration) -> None:
    again = next((one for one in reversed(found.sent) if one.attempt > 1), None)
    stored = next((act for act in reversed(found.acts) if act.again), None)
    if again is not None:
        text.add(f"{again.name} was sent {times(again.attempt)}", again.pos)
    if stored is not None:
        joined = again is not None and again.name == stored.command
        if again is not None and not joined:
            text.end_sentence()
        text.add(f"{', and ' if joined else ''}{titled(stored.service)}'s barrier gave the stored answer", stored.pos)
    if again is not None or stored is not None:
        text.end_sentence()
