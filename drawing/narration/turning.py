"""Why a saga turned back, and what it has undone since. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from drawing.narration.facts import BACK, FENCED, Act, Facts
from drawing.narration.phrases import capital, reason, times, turned
from drawing.narration.struck import struck
from drawing.narration.text import Narration, titled
from drawing.steps import UNDONE_BY


def turned_by(found: Facts, text: Narration) -> bool:
    """Add the refusal, interruption or silence that turned the saga, or will; False if there is none. The refusal of a step
    that must succeed turns nothing: it is tried again."""
    for pos, line in found.log:
        what, action, step = line["what"], line["action"], line["step"]
        if what == "interrupted":
            text.add(turned(line["error"]), pos)
        elif what == "refused" and action == "forward" and line["state"] in BACK:
            act = next((one for one in found.acts if one.command == step and one.reason == line["error"]), None)
            _refused(act.service if act else "", line["error"], [pos, *([act.pos] if act else [])], text)
        elif what == "refused" and action == "fence":
            struck(found, text)
            _silent(found, pos, step, text)
            text.add(", and a fence made sure that it will never happen", pos)
        elif what == "overdue" and action == "forward" and line["state"] in BACK:
            _silent(found, pos, step, text)
            text.add(f", which was sent {times(int(line['attempt'] or 1))}", pos)
        else:
            continue
        text.end_sentence()
        return True
    return _requested(found, text) or _about_to_turn(found, text)


def _about_to_turn(found: Facts, text: Narration) -> bool:
    """A refusal that the orchestrator has not handled yet."""
    handled = {line["step"] for _, line in found.log if line["what"] == "refused"}
    for act in found.acts:
        turns = act.status == "refused" and act.reason != FENCED and not (act.again or act.must_succeed)
        if turns and act.command not in handled:
            _refused(act.service, act.reason, [act.pos], text)
            text.end_sentence()
            return True
    return False


def _requested(found: Facts, text: Narration) -> bool:
    """Whether a customer's request is what a second saga carries out."""
    asked = next((one for one in found.sent if one.name == "CancelRequested"), None)
    if asked is None or found.state not in ("CANCELLING", "CANCELLED"):
        return False
    text.add("The customer ", asked.pos)
    text.add("cancelled", asked.pos, tone="no")
    text.end_sentence()
    return True


def _refused(service: str, error: str, positions: Sequence[int], text: Narration) -> None:
    text.add(f"{titled(service)} said ", *positions)
    text.add("no", *positions, tone="no")
    text.add(f": {reason(error)}", *positions)


def _silent(found: Facts, pos: int, step: str, text: Narration) -> None:
    command = next((one for one in found.sent if one.name == step), None)
    text.add(f"{titled(command.target if command else '')} gave ", pos)
    text.add("no answer", pos, tone="no")
    text.add(f" to {step}", pos)


def effective(found: Facts) -> tuple[list[Act], list[Act]]:
    """The acts that changed something: those that went forward, and those that went back."""
    done = [act for act in found.acts if act.status == "succeeded" and act.effects and not act.again]
    return [act for act in done if not act.back], [act for act in done if act.back]


def backwards(found: Facts, undone: Sequence[Act], text: Narration) -> None:
    if not (undone or found.going_back or found.state in ("CANCELLING", "COMPENSATING", "CANCELLED")):
        return  # refused, and not handled yet
    ended = found.state == "CANCELLED"
    by_hand = [(pos, line["step"]) for pos, line in found.log if line["what"] == "skipped by hand"]
    if ended and not undone and not by_hand:
        text.add("Nothing had to be undone", found.booking_pos)
        text.end_sentence()
        return
    turned_at = [found.saga_pos or found.booking_pos]
    text.add("The saga went " if ended else "The saga goes ", *turned_at)
    text.add("backwards", *turned_at, tone="back")
    if undone:
        text.add(": ")
        clauses(undone, text)
        text.add(", each by a " if sum(len(act.effects) for act in undone) > 1 else " by a ")
        text.add("new", *(act.pos for act in undone), tone="new")
        text.add(" transaction")
    text.end_sentence()
    for pos, step in by_hand:
        text.add(f"A person skipped {UNDONE_BY.get(step, step)}", pos)
        text.end_sentence()


def clauses(acts: Sequence[Act], text: Narration, *, first: bool = False) -> None:
    """What the acts did, as a list of clauses. `first`: they begin a sentence."""
    found = [(clause, act.pos) for act in acts for clause in act.effects]
    for number, (clause, pos) in enumerate(found):
        text.add("" if number == 0 else " and " if number == len(found) - 1 else ", ")
        text.add(capital(clause) if first and number == 0 else clause, pos)
