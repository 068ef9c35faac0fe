"""What a saga that has not ended waits for, and how one ended. Pure."""

from __future__ import annotations

from drawing.narration.facts import FENCED, Act, Facts, Sent
from drawing.narration.phrases import times
from drawing.narration.text import Narration, titled

BY_HAND = ("skipped by hand", "retried by hand", "resent by hand")


def standing(found: Facts, text: Narration) -> bool:
    """Add what it waits for; False once it has ended."""
    if found.saga.get("state") == "STUCK":
        _stuck(found, text)
        return True
    if found.state in ("CONFIRMED", "CANCELLED"):
        return False
    held = next((one for one in found.strikes if not (one.ended or one.event)), None)
    refused, waits = _to_try_again(found), _unanswered(found)
    if held is not None:
        text.add("A fault ", held.pos)
        text.add("holds", held.pos, tone="wait")
        text.add(f" {held.message or 'it'} here", held.pos)
    elif refused is not None:
        text.add(f"{titled(refused.service)} said ", refused.pos)
        text.add("no", refused.pos, tone="no")
        text.add(f" to {refused.command}, which has to succeed: ", refused.pos)
        text.add("it is tried again", refused.pos, tone="wait")
    elif waits is not None:
        text.add(f"{titled(waits.target)} has ", waits.pos)
        text.add("not answered", waits.pos, tone="wait")
        text.add(f" {waits.name} yet", waits.pos)
    elif not text.parts:
        text.add("The booking was placed; its saga has not started yet", *found.commits[:1])
    else:
        return True
    text.end_sentence()
    return True


def _stuck(found: Facts, text: Narration) -> None:
    pos = next((pos for pos, line in reversed(found.log) if line["what"] == "stuck"), found.saga_pos)
    tried = next((one for one in reversed(found.sent) if one.step and one.kind == "command" and one.pos < pos), None)
    if tried is not None:
        text.add(f"{tried.name} was sent {times(tried.attempt)} without success: the saga is ", tried.pos, pos)
    else:
        text.add("The saga is ", pos)
    text.add("stuck", pos, tone="stuck")
    text.add(", and a person has to decide", pos)
    text.end_sentence()


def _unanswered(found: Facts) -> Sent | None:
    """The last command to a participant, if it is not answered."""
    commands = [one for one in found.sent if one.kind == "command" and one.step]
    return commands[-1] if commands and not commands[-1].answered else None


def _to_try_again(found: Facts) -> Act | None:
    """A refusal of what must succeed, if nothing has been done about it since."""
    last = found.acts[-1] if found.acts else None
    if last is None or last.status != "refused" or last.reason == FENCED or not last.must_succeed:
        return None
    later = [one.pos for one in found.sent if one.kind == "command" and one.step]
    later += [pos for pos, line in found.log if line["what"] in BY_HAND]
    return None if any(pos > last.pos for pos in later) else last


def end(found: Facts, text: Narration) -> None:
    if found.state == "CONFIRMED":
        text.add("The booking is ", found.booking_pos)
        text.add("confirmed", found.booking_pos, tone="good")
        text.end_sentence()
