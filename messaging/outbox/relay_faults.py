"""The faults of a relay: messages that are lost, duplicated, late, held or overtaken between the log and the broker. A
fault that concerns one envelope delays that one alone; the others continue. Only a hang or a crash concerns the relay
itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from faults import Action, Fault, Hold, Plan, Point, Target
from messaging.outbox.backlog import Backlog, Envelope, Outgoing
from messaging.strikes import claim, perform, report, strike

OVERTAKEN_S = 5.0  # how long an envelope waits to be overtaken, if the fault has no time


class RelayFaults:
    """Stands between `arrived` and the lines of a backlog. `alive()` is called while the relay itself is stopped."""

    def __init__(self, plan: Plan, backlog: Backlog, alive: Callable[[], object]) -> None:
        self.plan, self._backlog, self._alive = plan, backlog, alive
        self._holds: list[tuple[Hold, list[Outgoing]]] = []

    def admit(self) -> None:
        """Admit the envelopes that have arrived, unless a fault strikes them, and those that need not wait any longer."""
        backlog = self._backlog
        if backlog.arrived:
            self.plan.refresh()
        if not (self.plan.armed or self.plan.personal or self._holds):
            while backlog.arrived:
                backlog.admit(backlog.arrived.popleft())
        while backlog.arrived:
            item = backlog.arrived[0]
            self._learn(item.envelope)
            # Claimed before it leaves `arrived`: if Redis goes away in between, it is checked again.
            fault = self._claim(item.envelope)
            if fault is not None and fault.action == Action.DROP:
                backlog.sent(backlog.arrived, 1)
                continue
            backlog.arrived.popleft()
            if fault is not None:
                self._inflict(fault, item)
            elif not self._joins(item):
                backlog.admit(item)
        self._let_go()
        backlog.admit_due(time.monotonic())

    def published(self, sent: list[Envelope]) -> None:
        """The broker has these; the log position is not confirmed."""
        for envelope in sent if self.plan.armed else ():
            strike(self.plan, Point.RELAY_AFTER_PUBLISH, envelope, self._alive)

    def _claim(self, envelope: Envelope) -> Fault | None:
        if not self.plan.armed:
            return None
        return claim(self.plan, Point.RELAY_BEFORE_PUBLISH, envelope) or claim(self.plan, Point.BUS, envelope)

    def _learn(self, envelope: Envelope) -> None:
        if self.plan.personal:
            self.plan.learn(Target.of(envelope))

    def _inflict(self, fault: Fault, item: Outgoing) -> None:
        backlog, now = self._backlog, time.monotonic()
        match fault.action:
            case Action.DELAY:
                backlog.delay(item, now + fault.seconds)
            case Action.REORDER:
                backlog.reorder(item, now + (fault.seconds or OVERTAKEN_S))
            case Action.HOLD:
                target = Target.of(item.envelope)
                self._holds.append((Hold(self.plan.redis, fault, self.plan.program, target), [item]))
            case Action.DUPLICATE:
                backlog.admit(item)
                backlog.repeat(item)
            case _:
                perform(self.plan, fault, item.envelope, self._alive)
                backlog.admit(item)

    def _joins(self, item: Outgoing) -> bool:
        """Whether it is a copy of a held envelope (a reply that was requested again), which must not bypass the breakpoint."""
        for _, items in self._holds:
            if items[0].envelope["id"] == item.envelope["id"]:
                items.append(item)
                return True
        return False

    def _let_go(self) -> None:
        for hold, items in list(self._holds):
            ended = hold.ended()
            if ended:
                self._holds.remove((hold, items))
                report(self.plan, hold.fault, items[0].envelope, ended)
                for item in items:
                    self._backlog.admit(item)
