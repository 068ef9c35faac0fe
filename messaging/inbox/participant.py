"""A saga participant: commands in, replies and events out, exactly one effect per command.

The barrier, the business rows and the outbox rows of a batch are one local transaction. A service declares its commands
and writes set-based handlers; duplicates, compensations whose action never ran, and late actions are absorbed here,
once for all services.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.db import models
from redis import Redis

from faults import Mechanism, Plan, Point
from messaging.database import Database
from messaging.envelope import COMPENSATION, FORWARD
from messaging.inbox.barrier import Answer, Key, Row, answer, answer_and_append, release, take
from messaging.inbox.batch import Envelopes
from messaging.inbox.declarations import Batch, Command, Compensation, Fence, Forward, Outcome, Request
from messaging.observe import observe
from messaging.outbox.append import Message
from messaging.outbox.dual_write import for_outbox
from messaging.strikes import claim
from topology.chosen import HOUSE

FENCED = {"status": "refused", "reason": "fenced"}


@dataclass(frozen=True, kw_only=True)
class Participant:
    """One service's side of the sagas. Within a batch its commands run in the order they are declared.

    A type may be declared twice, as one saga's compensation and as a step of another; the envelope's action decides
    which.
    """

    service: str
    outbox: type[models.Model]
    barrier: type[models.Model]
    commands: tuple[Command, ...]
    redis: Callable[[], Redis]

    def process(self, db: Database, envelopes: Envelopes, plan: Plan) -> None:
        """Handle a batch inside the transaction that `db` is in. Raises on a message it cannot read; then nothing is written."""
        asked: list[list[dict[str, Any]]] = [[] for _ in self.commands]
        for envelope in envelopes:
            asked[self.commands.index(self.command(envelope))].append(envelope)
        answers: list[Answer] = []
        messages: list[Message] = []
        for command, mine in zip(self.commands, asked, strict=True):
            if mine:
                answer(db, self.barrier, answers)  # a compensation has to see what its forward command was answered
                answers = []
                messages += self._take(db, command, mine, plan, answers)
        answer_and_append(db, self.barrier, answers, self.outbox, for_outbox(db, messages, plan))

    def validate(self, envelope: dict[str, Any]) -> None:
        """Whether `process` could read this. Raises ValueError, pydantic's included, or KeyError."""
        self.command(envelope).body.read(envelope)
        uuid.UUID(envelope["sagaid"])

    def command(self, envelope: dict[str, Any]) -> Command:
        """The declaration of this command. Raises ValueError; the body has not been checked yet."""
        of_type = [command for command in self.commands if command.body.type() == envelope["type"]]
        if not of_type:
            known = sorted({command.body.type() for command in self.commands})
            raise ValueError(f"{self.service} knows no message '{envelope['type']}', only {known}")
        action = envelope.get("sagaaction", of_type[0].action)
        for command in of_type:
            if command.action == action:
                return command
        raise ValueError(
            f"{self.service} takes {envelope['type']} as {[one.action for one in of_type]}, not '{action}'"
        )

    def _take(
        self, db: Database, command: Command, envelopes: Envelopes, plan: Plan, answers: list[Answer]
    ) -> list[Message]:
        """The messages to send; adds to `answers` what the barrier has to store."""
        if plan.disabled(Mechanism.BARRIER):
            return self._unguarded(db, command, envelopes, plan)
        requests = self._requests(command, envelopes)
        match command:
            case Forward():
                rows = self._keys(db, requests)
                return self._decide(db, command, requests, rows, requests.keys(), plan, answers)
            case Compensation():
                forward = self._keys(db, requests, FORWARD, state="fenced", reply=FENCED)
                rows = self._keys(db, requests)
                to_undo = [key for key in requests if forward[key._replace(action=FORWARD)].state == "succeeded"]
                return self._decide(db, command, requests, rows, to_undo, plan, answers)
            case Fence():
                rows = self._keys(db, requests, FORWARD, state="fenced", reply=FENCED)
                return [self._reply(requests[key], key, rows[key].id, rows[key].reply or FENCED) for key in requests]

    def _decide(
        self,
        db: Database,
        command: Forward | Compensation,
        requests: dict[Key, Request],
        rows: dict[Key, Row],
        eligible: Collection[Key],
        plan: Plan,
        answers: list[Answer],
    ) -> list[Message]:
        """Run the handler for the fresh keys that have something to do; return the stored answer for all others. A
        refusal of a command that must succeed is answered but not stored, or every later attempt would only get it
        again.
        """
        fresh = [key for key in requests if rows[key].fresh]
        todo = [key for key in fresh if key in eligible]
        outcomes = {key: Outcome(result={"nothing_to_undo": True}) for key in fresh}
        if todo:
            batch = Batch(db, [self._with_fault(requests[key], plan) for key in todo], plan)
            outcomes |= dict(zip(todo, command.handler(batch), strict=True))
        kept = {key: o for key, o in outcomes.items() if command.keeps_refusal or o.status == "succeeded"}
        answers += [(rows[key].id, o.status, o.reply()) for key, o in kept.items()]
        release(db, self.barrier, [rows[key].id for key in outcomes if key not in kept])
        messages = []
        for key, request in requests.items():
            if key in outcomes:
                messages += self._messages(request, key, rows[key].id, outcomes[key])
            else:
                fenced = rows[key].state == "fenced"
                self._absorbed(
                    request, "too late: it was fenced" if fenced else "again; the barrier gives the stored answer"
                )
                messages.append(self._reply(request, key, rows[key].id, rows[key].reply or FENCED))
        return messages

    def _unguarded(self, db: Database, command: Command, envelopes: Envelopes, plan: Plan) -> list[Message]:
        """The control: what happens without a barrier. Every delivery acts."""
        if isinstance(command, Fence):
            raise ValueError("a fence needs the barrier; without one there is nothing to fence with")
        messages = []
        for envelope in envelopes:
            for key, request in self._requests(command, [envelope]).items():
                (outcome,) = command.handler(Batch(db, [self._with_fault(request, plan)], plan))
                messages += self._messages(request, key, str(uuid.uuid4()), outcome)
        return messages

    def _requests(self, command: Command, envelopes: Envelopes) -> dict[Key, Request]:
        """Parse the batch; if a key occurs twice in one batch, the first stays (the others ask the same question)."""
        step = command.body.type() if isinstance(command, Forward) else command.of.type()
        action = COMPENSATION if isinstance(command, Compensation) else FORWARD
        requests: dict[Key, Request] = {}
        for envelope in envelopes:
            request = Request(envelope, command.body.read(envelope))
            key = Key(str(uuid.UUID(envelope["sagaid"])), step, action)
            if requests.setdefault(key, request) is not request:
                self._absorbed(request, "twice in a batch; it acts once")
        return requests

    def _keys(self, db: Database, requests: dict[Key, Request], action: str = "", **values: Any) -> dict[Key, Row]:
        keys = [key._replace(action=action or key.action) for key in requests]
        return take(db, self.barrier, keys, [_booking(request) for request in requests.values()], **values)

    def _with_fault(self, request: Request, plan: Plan) -> Request:
        """Claimed once per message: a local transaction that runs again (it lost a race) must give the same answer."""
        message = request.envelope["id"]
        fault = plan.answers.get(message) or claim(plan, Point.ANSWER, request.envelope)
        if fault is None:
            return request
        plan.answers[message] = fault
        return Request(request.envelope, request.command, fault.reason or "refused")

    def _messages(self, request: Request, key: Key, reply_id: str, outcome: Outcome) -> list[Message]:
        events = [
            Message(
                kind="event",
                type=event.type,
                data=event.data,
                subject=event.subject,
                version=event.version,
                schema=event.schema,
                correlation_id=_booking(request),
                saga_id=key.saga_id,
                causation_id=request.envelope["id"],
            )
            for event in outcome.events
        ]
        return [*events, self._reply(request, key, reply_id, outcome.reply())]

    def _reply(self, request: Request, key: Key, reply_id: str, data: dict[str, Any]) -> Message:
        return Message(
            kind="reply",
            type=f"{request.envelope['type']}Reply",
            data=data,
            destination=HOUSE.orchestrator.name,
            subject=_booking(request),
            correlation_id=_booking(request),
            saga_id=key.saga_id,
            step=key.step,
            action=key.action,
            causation_id=request.envelope["id"],
            id=reply_id,
        )

    def _absorbed(self, request: Request, how: str) -> None:
        self._observe("absorbed", f"{request.envelope['type']} came {how}", request)

    def _observe(self, kind: str, text: str, request: Request) -> None:
        booking, message = _booking(request), request.envelope["id"]
        observe(self.redis(), self.service, kind, text, booking=booking, message_id=message)


def _booking(request: Request) -> str:
    return str(request.envelope.get("correlationid", ""))
