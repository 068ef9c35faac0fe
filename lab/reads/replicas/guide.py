"""The guide of the exhibit about copies."""

from lab.guide import Step

REPLICAS = (
    Step(
        text="Start the rig, or start it over: one process, which writes Ticket's copies.",
        press=("#rig-begin",),
        expect="The light of replicator-tickets turns to running, and the copies are filled.",
        selector='#rig[data-state="open"][data-fresh]',
        count=1,
    ),
    Step(
        text="Ask for the list at the door.",
        press=("#ask-replica",),
        expect="One bar: tickets, names and places come from one database, in one call.",
        selector='#answer[data-booking="up"] .bar',
        count=1,
    ),
    Step(
        text="Rename a customer at Booking, who owns the name.",
        press=("#rename",),
        expect="Ticket's copy has the new name some milliseconds after its owner.",
        selector='#renamed[data-outcome="seen"]',
        count=1,
    ),
    Step(
        text="Stop the copying for a moment, and rename again.",
        press=("#pause", "#rename"),
        expect="The copy still has the old name, and says for how long already.",
        selector='#renamed[data-outcome="stale"]',
        count=1,
    ),
    Step(
        text="Resume the copying.",
        press=("#resume",),
        expect="Nothing is left to read: it catches up by itself.",
        selector='#copies[data-behind="0"]',
        count=1,
    ),
    Step(
        text="Predict what the list shows while Booking's API is down. Take it down, and ask.",
        press=('#predict label:has([value="all"])', "#booking-down", "#ask-replica"),
        expect="Ten rows with names and places: nobody else was asked.",
        selector='#answer[data-booking="down"] tbody tr',
        count=10,
    ),
    Step(
        text="Hand a ticket over, and have the new holder's id checked by Booking's API.",
        press=('#check label:has([value="api"])', "#hand-over"),
        expect="503: the one who knows does not answer, so nothing is changed.",
        selector='#handed[data-status="503"]',
        count=1,
    ),
    Step(
        text="The same, checked in the copy.",
        press=('#check label:has([value="replica"])', "#hand-over"),
        expect="Done: the copy knows the customer.",
        selector='#handed[data-status="200"]',
        count=1,
    ),
    Step(
        text="Bring Booking back. Hand the ticket to a customer who does not exist, without a check, and ask for the list.",
        press=(
            "#booking-up",
            '#check label:has([value="none"])',
            '#holder label:has([value="unknown"])',
            "#hand-over",
            "#ask-replica",
        ),
        expect="Nobody objected, and the list has a holder without a name.",
        selector="#answer .nameless",
        count=1,
    ),
    Step(
        text="Have the same checked in the copy.",
        press=('#check label:has([value="replica"])', "#hand-over"),
        expect="422: the copy does not know this customer.",
        selector='#handed[data-status="422"]',
        count=1,
    ),
    Step(
        text="Let Ticket write its own copy.",
        press=("#write-copy",),
        expect="42501: PostgreSQL refuses even the owner of the table.",
        selector="#written",
        says="42501",
    ),
    Step(
        text="Make the copy again from Booking's event log.",
        press=("#rebuild",),
        expect="How many events that took, and how long.",
        selector="#rebuilt[data-done]",
        count=1,
    ),
)
