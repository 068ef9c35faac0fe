"""A saga participant: commands in, replies and events out, exactly one effect per command.

The barrier, the business rows and the outbox rows of a batch are one local transaction. A service declares its commands
and writes set-based handlers; duplicates, compensations whose action never ran, and actions that come too late are
absorbed here, once for all services.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from redis import Redis

from faults import Mechanism, Plan, Point
from messaging import barrier, outbox
from messaging.barrier import COMPENSATION, FORWARD, Key
from messaging.inbox import Envelopes
from messaging.message import Body
from messaging.observe import observe

ORCHESTRATOR = "booking"  # the queue replies go to
FENCED = {"status": "refused", "reason": "fenced"}


@dataclass(frozen=True, slots=True)
class Request:
    """A command to decide: its parsed body, and the refusal an armed fault asks for ("" as a rule)."""

    envelope: dict[str, Any]
    command: Any
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: `data` is the aggregate's full state, `version` its own counter."""

    type: str
    subject: str
    version: int
    data: dict[str, Any]

    @classmethod
    def of(cls, body: Body, subject: object, version: int) -> "Event":
        return cls(body.type(), str(subject), version, body.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: succeeded, or refused with a reason; `result` goes into the reply."""

    status: str = "succeeded"
    reason: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    @classmethod
    def refused(cls, reason: str, *events: Event) -> "Outcome":
        return cls("refused", reason, {}, events)

    def reply(self) -> dict[str, Any]:
        return {"status": self.status, "reason": self.reason, **self.result}


Handler = Callable[[Sequence[Request], Plan], Sequence[Outcome]]
"""Decide a batch in arrival order, all in the caller's transaction; an outcome for each request, in the same order."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A command that acts."""

    body: type[Body]
    handler: Handler


@dataclass(frozen=True, slots=True)
class Compensation:
    """A command that undoes what the forward command `of` did; never called for one that did nothing."""

    body: type[Body]
    handler: Handler
    of: type[Body]


@dataclass(frozen=True, slots=True)
class Fence:
    """A command that asks how the forward command `of` ended, and makes sure it never runs if it has not yet."""

    body: type[Body]
    of: type[Body]


Command = Forward | Compensation | Fence


@dataclass(frozen=True, kw_only=True)
class Participant:
    """One service's side of the sagas. Within a batch its commands run in the order they are declared."""

    service: str
    outbox: type[models.Model]
    barrier: type[models.Model]
    commands: tuple[Command, ...]
    redis: Callable[[], Redis]

    def process(self, envelopes: Envelopes, plan: Plan) -> None:
        """Take in a batch inside the caller's local transaction. Raises on a message it cannot read; nothing is written then."""
        known = {command.body.type() for command in self.commands}
        for envelope in envelopes:
            if envelope["type"] not in known:
                raise ValueError(f"{self.service} knows no message '{envelope['type']}', only {sorted(known)}")
        messages: list[outbox.Message] = []
        for command in self.commands:
            mine = [envelope for envelope in envelopes if envelope["type"] == command.body.type()]
            if mine:
                messages += self._take(command, mine, plan)
        outbox.append(self.outbox, messages)

    def _take(self, command: Command, envelopes: Envelopes, plan: Plan) -> list[outbox.Message]:
        if plan.disabled(Mechanism.BARRIER):
            return self._unguarded(command, envelopes, plan)
        requests = self._requests(command, envelopes)
        match command:
            case Forward():
                rows = self._keys(requests)
                return self._decide(command.handler, requests, rows, requests.keys(), plan)
            case Compensation():
                forward = self._keys(requests, FORWARD, state="fenced", reply=FENCED)
                rows = self._keys(requests)
                to_undo = [key for key in requests if forward[key._replace(action=FORWARD)].state == "succeeded"]
                return self._decide(command.handler, requests, rows, to_undo, plan)
            case Fence():
                rows = self._keys(requests, FORWARD, state="fenced", reply=FENCED)
                return [self._reply(requests[key], key, rows[key].id, rows[key].reply or FENCED) for key in requests]

    def _decide(self, handler: Handler, requests: dict[Key, Request], rows: dict, eligible: Any, plan: Plan) -> list:
        """Run the handler for the fresh keys that have something to do; give everybody else the stored answer again."""
        fresh = [key for key in requests if rows[key].fresh]
        todo = [key for key in fresh if key in eligible]
        outcomes = {key: Outcome(result={"nothing_to_undo": True}) for key in fresh}
        if todo:
            batch = [self._with_fault(requests[key], plan) for key in todo]
            outcomes |= dict(zip(todo, handler(batch, plan), strict=True))
        barrier.answer(self.barrier, [(rows[key].id, o.status, o.reply()) for key, o in outcomes.items()])
        messages = []
        for key, request in requests.items():
            if key in outcomes:
                messages += self._messages(request, key, rows[key].id, outcomes[key])
            else:
                self._absorbed(request)
                messages.append(self._reply(request, key, rows[key].id, rows[key].reply or FENCED))
        return messages

    def _unguarded(self, command: Command, envelopes: Envelopes, plan: Plan) -> list[outbox.Message]:
        """The control: what happens without a barrier. Every delivery acts."""
        if isinstance(command, Fence):
            raise ValueError("a fence is the barrier; without one there is nothing to fence with")
        messages = []
        for envelope in envelopes:
            for key, request in self._requests(command, [envelope]).items():
                outcome = command.handler([self._with_fault(request, plan)], plan)[0]
                messages += self._messages(request, key, str(uuid.uuid4()), outcome)
        return messages

    def _requests(self, command: Command, envelopes: Envelopes) -> dict[Key, Request]:
        """Parse the batch; of the same key twice in one batch the first stays (the others ask the same question)."""
        step = command.body.type() if isinstance(command, Forward) else command.of.type()
        action = COMPENSATION if isinstance(command, Compensation) else FORWARD
        requests: dict[Key, Request] = {}
        for envelope in envelopes:
            request = Request(envelope, command.body.parse(envelope["data"]))
            key = Key(str(uuid.UUID(envelope["sagaid"])), step, action)
            if requests.setdefault(key, request) is not request:
                self._absorbed(request)
        return requests

    def _keys(self, requests: dict[Key, Request], action: str = "", **values: Any) -> dict[Key, barrier.Row]:
        keys = [key._replace(action=action or key.action) for key in requests]
        return barrier.take(self.barrier, keys, [_booking(request) for request in requests.values()], **values)

    def _with_fault(self, request: Request, plan: Plan) -> Request:
        fault = plan.strike(Point.ANSWER, request.envelope["type"], _booking(request)) if plan.armed else None
        if fault is None:
            return request
        self._observe("fault", f"{request.envelope['type']} is made to answer '{fault.reason}'", request)
        return Request(request.envelope, request.command, fault.reason or "refused")

    def _messages(self, request: Request, key: Key, reply_id: str, outcome: Outcome) -> list[outbox.Message]:
        events = [
            outbox.Message(
                kind="event",
                type=event.type,
                data=event.data,
                subject=event.subject,
                version=event.version,
                correlation_id=_booking(request),
                saga_id=key.saga_id,
                causation_id=request.envelope["id"],
            )
            for event in outcome.events
        ]
        return [*events, self._reply(request, key, reply_id, outcome.reply())]

    def _reply(self, request: Request, key: Key, reply_id: str, data: dict[str, Any]) -> outbox.Message:
        return outbox.Message(
            kind="reply",
            type=f"{request.envelope['type']}Reply",
            data=data,
            destination=ORCHESTRATOR,
            subject=_booking(request),
            correlation_id=_booking(request),
            saga_id=key.saga_id,
            step=key.step,
            action=key.action,
            causation_id=request.envelope["id"],
            id=reply_id,
        )

    def _absorbed(self, request: Request) -> None:
        self._observe(
            "absorbed", f"{request.envelope['type']} came again; the barrier gives the stored answer", request
        )

    def _observe(self, kind: str, text: str, request: Request) -> None:
        booking, message = _booking(request), request.envelope["id"]
        observe(self.redis(), self.service, kind, text, booking=booking, message_id=message)


def _booking(request: Request) -> str:
    return str(request.envelope.get("correlationid", ""))
