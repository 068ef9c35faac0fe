"""The model of the whole protocol, written down while it plays: as a timeline, and as a file for the player."""

import uuid
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import note

from booking.saga.events import Event, Replied, Send
from booking.saga.state import dump_tracks
from proofs.timeline import Timeline
from tests.booking.saga.protocol import BOOKING, CONTEXT, IMPATIENT
from tests.booking.saga.test_engine_random import AnyOrder, Participants
from tests.proofs.models.kept import COUNTER_EXAMPLES, file_of_this_test, how_to_open, is_shown, this_test
from tests.proofs.models.model_tape import ModelTape, Place


class Told(AnyOrder):
    """The same play with these participants, written down; the one that hypothesis shows as a file for the player, too."""

    participants: type[Participants] = Participants
    tapes: ClassVar[Path] = COUNTER_EXAMPLES

    def __init__(self) -> None:
        self.tape = ModelTape()
        self.timeline = Timeline(lambda told: self.tape.add(told, self.rows))
        self.rows: dict[Place, dict[str, Any]] = {}
        self._ids: list[tuple[object, str]] = []
        super().__init__()
        self.world = self.participants()
        take = self.world.take

        def told(send: Send, refuse: bool) -> Replied:
            done = len(self.world.effects)
            answer = take(send, refuse)
            for number, effect in enumerate(self.world.effects[done:], done + 1):
                self.rows[send.service, f"{send.service}_effect", str(number)] = {"id": number, "effect": effect}
            ids = {
                "causes": [self._id(send)],
                "emits": [self._sent(send.service, "reply", f"{send.type}Reply", answer)],
            }
            self.timeline.record(
                "handled", send.service, send.type, [BOOKING], **ids, answer=answer.status, why=answer.reason
            )
            return answer

        self.world.take = told  # type: ignore[method-assign]

    def tell(self, event: Event) -> None:
        before = len(self.commands)
        super().tell(event)
        sends = self.commands[before:]
        state = self.state  # as rows that have what the player reads of the real ones
        version = self.rows.get(("booking", "booking_booking", BOOKING), {}).get("version", 0) + 1
        self.rows["booking", "booking_booking", BOOKING] = {
            "id": BOOKING, "state": self.booking, "reason": state.reason, "version": version, "amount": None,
            "currency": "", **CONTEXT,
        }  # fmt: skip
        self.rows["booking", "booking_saga", state.id] = {
            "id": state.id, "booking_id": BOOKING, "definition": IMPATIENT.name, "state": state.status,
            "step": IMPATIENT.steps[state.position].name, "action": state.action, "reason": state.reason,
            "steps": dump_tracks(state.tracks),
        }  # fmt: skip
        ids = {
            "causes": [self._id(event)] if isinstance(event, Replied) else [],
            "emits": [self._sent("booking", "command", send.type, send) for send in sends],
        }
        detail = {name: getattr(event, name) for name in ("step", "action", "status", "reason") if hasattr(event, name)}
        sent = ", ".join(send.type for send in sends)
        self.timeline.record(
            "saga", "booking", type(event).__name__, [BOOKING], **ids, **detail, sends=sent, state=self.booking
        )

    def _id(self, message: object) -> str:
        """A message's, which the model has none for."""
        for known, id in self._ids:
            if known is message:
                return id
        self._ids.append((message, str(uuid.uuid4())))
        return self._ids[-1][1]

    def _sent(self, service: str, kind: str, type: str, message: Send | Replied) -> str:
        """The message as a row of an outbox, by which the player knows what is in flight."""
        id = self._id(message)
        self.rows[service, f"{service}_outbox", id] = {
            "id": id, "kind": kind, "type": type, "correlation_id": BOOKING,
            "destination": message.service if isinstance(message, Send) else "booking",
        }  # fmt: skip
        return id

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            note(f"timeline:\n{self.timeline.text()}")
            if is_shown():
                file = file_of_this_test(self.tapes)
                self.tape.write(file, f"counter-example of a model, which has no databases: {this_test()}")
                note(how_to_open(file))
