"""The guides of the exhibits about reading."""

from lab.guide import Step

COMPOSITION = (
    Step(
        text="Start the rig, or start it over: one process, which has no database.",
        press=("#rig-begin",),
        expect="The light of api-composer turns to running, with the time that its start took.",
        selector='#rig[data-state="open"][data-fresh]',
        count=1,
    ),
    Step(
        text="Predict how many calls the question about 10 bookings takes, one call after another. Then ask it.",
        press=('#predict label:has([value="41"])', '#rows label:has([value="10"])', "#ask-sequential"),
        expect="41 bars: the list, then customer, hold, payment and tickets of each booking.",
        selector='#answer[data-how="sequential"] .bar',
        count=41,
    ),
    Step(
        text="Ask the same in parallel.",
        press=("#ask-parallel",),
        expect="As many bars, which begin together: as many calls, less waiting.",
        selector='#answer[data-how="parallel"] .bar',
        count=41,
    ),
    Step(
        text="Ask in batch.",
        press=("#ask-batch",),
        expect="5 bars: the list, and one call to each owner's batch address.",
        selector='#answer[data-how="batch"] .bar',
        count=5,
    ),
    Step(
        text="Take Payment's API down, and ask again.",
        press=("#payment-down", "#ask-batch"),
        expect="Ten rows without a payment, and each says why.",
        selector="#answer .gap",
        count=10,
    ),
    Step(
        text="Choose the other answer to a missing part: nothing at all.",
        press=('#missing label:has([value="fail"])', "#ask-batch"),
        expect="502: the answer would not be whole.",
        selector='#answer[data-status="502"]',
        count=1,
    ),
    Step(
        text="Bring Payment back, and ask again.",
        press=("#payment-up", "#ask-batch"),
        expect="Ten whole rows: nothing was stored anywhere, so nothing has to catch up.",
        selector='#answer[data-status="200"][data-missing="0"]',
        count=1,
    ),
    Step(
        text="Let the browser ask by itself, as somebody at the door, who may not see customers.",
        press=('#viewer label:has([value="door"])', "#ask-browser"),
        expect="Four calls, of which one is refused: 200, 403, 200, 200. The composed one decides once.",
        selector="#browser-own",
        says="200, 403, 200, 200",
    ),
)
