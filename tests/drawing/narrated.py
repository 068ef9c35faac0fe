"""Checks each sentence of a narration against the entries it stands on, derived without the code that narrates.

A sentence that is none of the known kinds is refused: no word gets in without a rule here.
"""

import re
from collections.abc import Callable

from drawing.narration import Narration, narrate
from drawing.narration.phrases import REASONS
from tests.drawing.evidence import UNDOING, Entry, Until

NAMES = {"Booking": "booking", "Seat": "seats", "Payment": "payments", "Ticket": "tickets"}
WHO, SEATS = "(Booking|Seat|Payment|Ticket)", r"[Ss]eats? ([\w-]+(?:(?:, | and )[\w-]+)*)"
TIMES = {"once": 1, "twice": 2}


def times(word: str) -> int:
    return TIMES.get(word) or int(word.split()[0])


def amount(text: str) -> int:
    return int(text.replace("₩", "").replace(",", ""))


def reserved(known: Until, labels: str) -> None:
    rows = known.changed("seats_seat", "RESERVED")
    assert {row["label"] for _, row in rows} == set(re.split(", | and ", labels)), labels


def given_back(known: Until, labels: str) -> None:
    back = known.changed("seats_seat", "AVAILABLE")
    assert {row["label"] for _, row in back} == set(re.split(", | and ", labels)), labels
    took = known.changed("seats_seat", "RESERVED")
    assert {entry["xid"] for entry, _ in back}.isdisjoint({entry["xid"] for entry, _ in took}), "no new transaction"


def sold(known: Until) -> None:
    assert known.changed("seats_seat", "SOLD")


def taken(known: Until, sum_: str) -> None:
    assert amount(sum_) in [row["amount"] for _, row in known.changed("payments_payment", "COMPLETED")], sum_


def refunded(known: Until, sum_: str) -> None:
    assert amount(sum_) in [row["amount"] for _, row in known.changed("payments_payment", "REFUNDED")], sum_


def issued(known: Until, count: str) -> None:
    assert known.changed("tickets_issuance", "ISSUED")
    made = [
        c["new"] for e in known.drawn for c in e["changes"] if c["table"] == "tickets_ticket" and c["op"] == "insert"
    ]
    tickets = [row for row in made if known.booking in row.values()]
    assert len(tickets) == (1 if count == "the ticket was" else int(count.split()[0])), count


def voided(known: Until) -> None:
    assert known.changed("tickets_issuance", "VOIDED")


CLAUSES: dict[str, Callable[..., None]] = {
    rf"{SEATS} (?:was|were) reserved": reserved,
    r"the seats? (?:was|were) sold": sold,
    rf"{SEATS} (?:was|were) given back": given_back,
    r"(₩[\d,]+) was taken": taken,
    r"(₩[\d,]+) was refunded": refunded,
    r"(the ticket was|\d+ tickets were) issued": issued,
    r"the tickets were made invalid": voided,
}


def clauses(known: Until, text: str) -> None:
    while text:
        for pattern, holds in CLAUSES.items():
            match = re.match(rf"{pattern}(?:, | and |$)", text)
            if match:
                holds(known, *match.groups())
                text = text[match.end() :]
                break
        else:
            raise AssertionError(f"no rule for {text!r}")


def said_no(known: Until, who: str, why: str) -> None:
    replies = [row for e in known.drawn if e["service"] == NAMES[who] for row in known.replies(e)]
    reasons = [row["data"]["reason"] for row in replies if row["data"]["status"] == "refused"]
    assert why in [REASONS.get(code, code.replace("_", " ")) for code in reasons], (who, why, reasons)


def tried_again(known: Until, who: str, command: str) -> None:
    answered = [(e["pos"], row) for e in known.drawn if e["service"] == NAMES[who] for row in known.replies(e)]
    pos, reply = answered[-1]
    assert reply["type"] == f"{command}Reply", reply
    assert reply["data"]["status"] == "refused"
    assert command in (*UNDOING, "ConfirmSeats"), "its refusal turns the saga"
    later = [line["what"] for e in known.drawn if e["pos"] > pos for line in known.log(e)]
    assert not [what for what in later if what.endswith("by hand")], later


def went_back(known: Until, ended: str, rest: str | None) -> None:
    state, saga = known.newest("booking_booking").get("state"), known.newest("booking_saga")
    back = saga.get("state") in ("COMPENSATING", "COMPENSATED") or saga.get("action") == "compensation"
    assert back or saga.get("definition") == "CancelBooking", saga
    assert (ended == "went") == (state == "CANCELLED"), state
    if rest:
        assert rest.endswith(" by a new transaction"), rest
        clauses(known, rest.removesuffix(" by a new transaction").removesuffix(", each"))


def nothing_undone(known: Until) -> None:
    assert known.newest("booking_booking")["state"] == "CANCELLED"
    assert not known.changed("seats_seat", "AVAILABLE")
    assert not known.changed("payments_payment", "REFUNDED")


def no_answer(known: Until, who: str, command: str, count: str | None) -> None:
    sent = known.messages(command)
    assert {row["destination"] for row in sent} == {NAMES[who]}
    if count:
        attempts = [
            line for e in known.drawn for line in known.log(e) if line["what"] == "overdue" and line["step"] == command
        ]
        assert len(attempts) == times(count), (count, len(attempts))
    else:
        lines = [line for e in known.drawn for line in known.log(e) if line["action"] == "fence"]
        assert "refused" in [line["what"] for line in lines]


def not_answered(known: Until, who: str, command: str) -> None:
    (last,) = known.messages(command)[-1:]
    assert last["destination"] == NAMES[who]
    sent = max(e["pos"] for e in known.drawn if last in known.rows(e, "_outbox"))
    later = [entry for entry in known.drawn if entry["pos"] > sent]
    answers = [e["pos"] for e in later for row in known.replies(e) if row["type"] == f"{command}Reply"]
    assert not answers, f"{command} was answered in #{answers}"


def happened(word: str) -> Callable[..., None]:
    def check(known: Until, subject: str, count: str | None = None) -> None:
        answer = re.fullmatch(rf"{WHO}'s answer to (\w+)", subject)
        message = f"{answer[2]}Reply" if answer else subject
        found = [one for one, _ in known.struck(word) if one == message or subject == "A message"]
        assert len(found) >= (times(count) if count else 1), f"{subject} was not {word}: {known.struck(word)}"

    return check


def failed(known: Until, who: str, part: str | None, how: str, at: str | None) -> None:
    seen = known.struck("crashed") if how == "crashed" else [
        (at or "", entry) for entry in known.observed
        if entry["data"]["kind"] == "rolled back" or (entry["data"].get("data") or {}).get("action") == "error"
    ]  # fmt: skip
    mine = [(message, entry) for message, entry in seen if entry["service"] == NAMES[who]]
    assert mine, f"{who} never {how}"
    assert not at or at in [message for message, _ in mine]
    if part:
        assert any(entry["data"]["data"]["point"].startswith(f"{part}.") for _, entry in mine)


def more(known: Until, _count: str) -> None:
    assert len(known.observed) > 2


def repaired(known: Until, command: str, count: str, rest: str | None) -> None:
    assert len({row["id"] for row in known.messages(command)}) >= times(count), command
    if rest:
        stored(known, rest.removeprefix(", and ").split("'")[0], f"{command}Reply")


def stored(known: Until, who: str, reply: str = "") -> None:
    again = [
        e["pos"] for e in known.drawn if e["service"] == NAMES[who]
        for row in known.replies(e) if row["id"] in known.given_before(e["pos"]) and reply in row["type"]
    ]  # fmt: skip
    assert again, f"{who} gave no stored answer"


def cancelled(known: Until) -> None:
    assert known.messages("CancelRequested")


def expired(known: Until) -> None:
    assert "hold_expired" in [line["error"] for e in known.drawn for line in known.log(e)]


def skipped(known: Until, command: str) -> None:
    assert "skipped by hand" in [line["what"] for e in known.drawn for line in known.log(e)]
    assert command in UNDOING


def holds(known: Until, message: str) -> None:
    held = known.struck("held")
    sent = [row["kind"] for e in known.drawn for row in known.rows(e, "_outbox") if row["type"] == message]
    assert "event" not in sent, "an event that is held holds no saga"
    assert message in ("it", *(one for one, _ in held)), held
    (entry,) = [entry for one, entry in held if one == message][-1:]
    later = known.handled(entry["data"]["messageid"], entry["pos"])
    assert not [one for one in later if one["kind"] == "transaction"], "it has resumed"


def stuck(known: Until, command: str, count: str) -> None:
    saga = known.newest("booking_saga")
    assert saga["state"] == "STUCK"
    assert saga["attempt"] == times(count)
    assert known.messages(command)


def confirmed(known: Until) -> None:
    assert known.newest("booking_booking")["state"] == "CONFIRMED"


def placed(known: Until) -> None:
    assert not known.newest("booking_saga")


SENTENCES: dict[str, Callable[..., None]] = {
    rf"{WHO} said no: ([^:]+)": said_no,
    rf"{WHO} said no to (\w+), which has to succeed: it is tried again": tried_again,
    r"The saga (went|goes) backwards(?:: (.+))?": went_back,
    r"Nothing had to be undone": nothing_undone,
    rf"{WHO} gave no answer to (\w+), which was sent (.+)": no_answer,
    rf"{WHO} gave no answer to (\w+), and a fence made sure that it will never happen()": no_answer,
    rf"{WHO} has not answered (\w+) yet": not_answered,
    r"(.+) was lost on its way(?:, (.+))?": happened("lost"),
    r"(.+) arrived twice(?:, (.+))?": happened("twice"),
    r"(.+) came late(?:, (.+))?": happened("late"),
    r"(.+) was held for a time(?:, (.+))?": happened("held"),
    rf"{WHO}(?:'s (relay|orchestrator))? (crashed|rolled back)(?: at (\w+))?(?:, .+)?": failed,
    r"(Another fault|\d+ more faults) struck": more,
    rf"{WHO}'s barrier gave the stored answer": stored,
    rf"(\w+) was sent (once|twice|\d+ times)(, and {WHO}'s barrier gave the stored answer)?": (
        lambda known, command, count, rest, _who: repaired(known, command, count, rest)
    ),
    r"The customer cancelled": cancelled,
    r"The hold on the seats expired": expired,
    r"A person skipped (\w+)": skipped,
    r"A fault holds (\w+) here": holds,
    r"(\w+) was sent (.+) without success: the saga is stuck, and a person has to decide": stuck,
    r"The booking is confirmed": confirmed,
    r"The booking was placed; its saga has not started yet": placed,
}


def check_sentence(known: Until, sentence: str) -> None:
    for pattern, holds_ in SENTENCES.items():
        match = re.fullmatch(pattern, sentence)
        if match:
            holds_(known, *match.groups())
            return
    clauses(known, sentence[:1].replace("T", "t") + sentence[1:])


def check(narration: Narration, known: Until) -> None:
    """Raises AssertionError for a word without its entry."""
    if not known.drawn:
        assert not narration.text
        return
    for sentence in narration.text.removesuffix(".").split(". "):
        check_sentence(known, sentence)
    for part in narration.parts:
        assert set(part.positions) <= known.entries.keys(), f"{part} stands on entries of another moment"
        assert (
            part.positions
            or not re.search(r"\w", part.text)
            or part.text in (" and ", ", each by a ", " by a ", " transaction")
        ), part
    for part in narration.parts:  # a name of a seat stands on an entry that has it
        for label in re.findall(r"\b[A-Z]+\d*-\d+\b", part.text):
            assert any(label in str(known.entries[pos]["changes"]) for pos in part.positions), part
    took, databases, commits = narration.figures
    assert commits == f"{len(known.drawn)} commit{'' if len(known.drawn) == 1 else 's'}"
    services = {entry["service"] for entry in known.drawn}
    assert databases == f"{len(services)} database{'' if len(services) == 1 else 's'}"
    assert took.endswith(("ms", "s", "min"))


def check_moments(booking: str, entries: list[Entry]) -> None:
    """The narration at each moment of a booking."""
    for entry in entries:
        narration = narrate(entries, booking, entry["pos"])
        try:
            check(narration, Until(booking, entries, entry["pos"]))
        except AssertionError as error:
            error.add_note(f"at #{entry['pos']}: {narration.text}")
            raise
